/**
 * The statements of Lua 5.1: a chunk from its first token to its last.
 *
 * Expressions are in lua_expression_parser. Errors are `LuaSyntaxError`s with Lua's own texts.
 */
import type { AssignmentTarget, Expression, FunctionExpression, Statement } from "./lua_ast.ts";
import { ExpressionParser } from "./lua_expression_parser.ts";
import { inferNumbers } from "./lua_inference.ts";
import { END_OF_SOURCE, type TokenKind } from "./lua_lexer.ts";
import type { LocalVariable } from "./lua_scope.ts";

/** Targets of one assignment. */
const TARGETS_MAX = 200;

const BLOCK_ENDS: ReadonlySet<TokenKind> = new Set([
  "else",
  "elseif",
  "end",
  "until",
  END_OF_SOURCE,
]);

/** Parses a chunk; throws a LuaSyntaxError. */
export function parseChunk(source: string, chunkName: string): FunctionExpression {
  return new LuaParser(source, chunkName).parse();
}

class LuaParser extends ExpressionParser {
  parse(): FunctionExpression {
    const body = this.parseBlock();
    this.check(END_OF_SOURCE);
    inferNumbers(this.numberCandidates);
    return { kind: "function", scope: this.scope, body };
  }

  /** A block with a scope of its own. */
  #scopedBlock(): Statement[] {
    const mark = this.scope.open();
    const body = this.parseBlock();
    this.scope.close(mark);
    return body;
  }

  #loopBlock(): Statement[] {
    this.scope.loopDepth++;
    const body = this.#scopedBlock();
    this.scope.loopDepth--;
    return body;
  }

  protected override parseBlock(): Statement[] {
    this.enterLevel();
    const body: Statement[] = [];
    while (!BLOCK_ENDS.has(this.lexer.token.kind)) {
      const statement = this.#statement();
      body.push(statement);
      this.accept(";");
      // Lua 5.1: these two end a block.
      if (statement.kind === "return" || statement.kind === "break") break;
    }
    this.leaveLevel();
    return body;
  }

  #statement(): Statement {
    const { lexer } = this;
    const line = lexer.line;
    switch (lexer.token.kind) {
      case "if":
        return this.#if(line);
      case "while":
        return this.#while(line);
      case "do": {
        lexer.next();
        const body = this.#scopedBlock();
        this.expectClosing("end", "do", line);
        return { kind: "do", body };
      }
      case "for":
        return this.#for(line);
      case "repeat":
        return this.#repeat(line);
      case "function":
        return this.#function(line);
      case "local":
        lexer.next();
        return this.accept("function") ? this.#localFunction() : this.#local();
      case "return":
        return this.#return();
      case "break":
        lexer.next();
        if (this.scope.loopDepth === 0) lexer.fail("no loop to break");
        return { kind: "break" };
    }
    return this.#expressionStatement();
  }

  #if(line: number): Statement {
    const branches: { condition: Expression; body: Statement[] }[] = [];
    let otherwise: Statement[] | null = null;
    do {
      this.lexer.next();
      const condition = this.parseExpression();
      this.expect("then");
      branches.push({ condition, body: this.#scopedBlock() });
    } while (this.lexer.token.kind === "elseif");
    if (this.accept("else")) otherwise = this.#scopedBlock();
    this.expectClosing("end", "if", line);
    return { kind: "if", branches, otherwise };
  }

  #while(line: number): Statement {
    this.lexer.next();
    const condition = this.parseExpression();
    this.expect("do");
    const body = this.#loopBlock();
    this.expectClosing("end", "while", line);
    return { kind: "while", condition, body, line };
  }

  #repeat(line: number): Statement {
    this.lexer.next();
    const mark = this.scope.open();
    this.scope.loopDepth++;
    const body = this.parseBlock();
    this.expectClosing("until", "repeat", line);
    // The condition sees the locals of the body.
    const condition = this.parseExpression();
    this.scope.loopDepth--;
    this.scope.close(mark);
    return { kind: "repeat", condition, body, line };
  }

  #for(line: number): Statement {
    this.lexer.next();
    const first = this.parseName();
    switch (this.lexer.token.kind) {
      case "=":
        return this.#numericFor(first, line);
      case ",":
      case "in":
        return this.#genericFor(first, line);
    }
    return this.lexer.fail("'=' or 'in' expected");
  }

  #numericFor(name: string, line: number): Statement {
    const variable = this.createLocal(name, 3);
    this.lexer.next();
    const start = this.parseExpression();
    this.expect(",");
    const limit = this.parseExpression();
    const step = this.accept(",") ? this.parseExpression() : null;
    variable.sources = [{ kind: "number", value: 0 }];
    this.numberCandidates.push(variable);
    const body = this.#forBody(["(for index)", "(for limit)", "(for step)"], [variable], line);
    return {
      kind: "numericFor",
      variable,
      start,
      limit,
      step,
      body: body.statements,
      line: body.line,
    };
  }

  #genericFor(first: string, line: number): Statement {
    const variables = [this.createLocal(first, 3)];
    while (this.accept(",")) {
      variables.push(this.createLocal(this.parseName(), 3 + variables.length));
    }
    this.expect("in");
    // Lua: the iterator is called in the line where the list begins.
    const callLine = this.lexer.line;
    const values = this.parseExpressionList();
    this.scope.hasCalls = true;
    const hidden = ["(for generator)", "(for state)", "(for control)"];
    const body = this.#forBody(hidden, variables, line);
    return { kind: "genericFor", variables, values, body: body.statements, line: callLine };
  }

  /**
   * The block of a for loop, and the line of its "do". The hidden variables only count towards the
   * limit.
   */
  #forBody(
    hidden: string[],
    variables: LocalVariable[],
    line: number,
  ): { statements: Statement[]; line: number } {
    const mark = this.scope.open();
    for (const name of hidden) this.scope.activate(this.createLocal(name, 0));
    for (const variable of variables) this.scope.activate(variable);
    this.expect("do");
    const doLine = this.lexer.lastLine;
    const statements = this.#loopBlock();
    this.scope.close(mark);
    this.expectClosing("end", "for", line);
    return { statements, line: doLine };
  }

  #function(line: number): Statement {
    this.lexer.next();
    let target = this.parseVariable() as AssignmentTarget;
    let isMethod = false;
    while (this.lexer.token.kind === "." || this.lexer.token.kind === ":") {
      isMethod = this.lexer.token.kind === ":";
      this.lexer.next();
      const key: Expression = { kind: "string", value: this.parseName() };
      target = { kind: "index", object: target, key, line: this.lexer.lastLine };
      if (isMethod) break;
    }
    const value = this.parseFunctionBody(isMethod, line);
    markAssigned(target, value);
    return { kind: "assign", targets: [target], values: [value], line };
  }

  #localFunction(): Statement {
    const variable = this.createLocal(this.parseName(), 0);
    this.scope.activate(variable);
    variable.isFunction = true;
    const value = this.parseFunctionBody(false, this.lexer.line);
    return { kind: "localFunction", variable, value };
  }

  #local(): Statement {
    const variables: LocalVariable[] = [];
    do {
      variables.push(this.createLocal(this.parseName(), variables.length));
    } while (this.accept(","));
    const values = this.accept("=") ? this.parseExpressionList() : [];
    variables.forEach((variable, i) => {
      this.scope.activate(variable);
      const source = sourceAt(values, i);
      if (source === null) return;
      variable.sources = [source];
      variable.isFunction = source.kind === "function";
      this.numberCandidates.push(variable);
    });
    return { kind: "local", variables, values };
  }

  #return(): Statement {
    this.lexer.next();
    const { kind } = this.lexer.token;
    const values = BLOCK_ENDS.has(kind) || kind === ";" ? [] : this.parseExpressionList();
    return { kind: "return", values };
  }

  #expressionStatement(): Statement {
    const first = this.parsePrimary();
    if (first.kind === "call" && !this.lastWasParenthesis) return { kind: "call", call: first };
    const targets: AssignmentTarget[] = [this.#target(first)];
    while (this.accept(",")) {
      targets.push(this.#target(this.parsePrimary()));
      if (targets.length > TARGETS_MAX) {
        const where = this.scope.line === 0
          ? "main function"
          : `function at line ${this.scope.line}`;
        this.lexer.failNear(`${where} has more than ${TARGETS_MAX} variables in assignment`);
      }
    }
    this.expect("=");
    const values = this.parseExpressionList();
    targets.forEach((target, i) => markAssigned(target, sourceAt(values, i)));
    return { kind: "assign", targets, values, line: this.lexer.lastLine };
  }

  #target(expression: Expression): AssignmentTarget {
    const { kind } = expression;
    if (this.lastWasParenthesis || (kind !== "local" && kind !== "global" && kind !== "index")) {
      this.lexer.fail("syntax error");
    }
    return expression;
  }
}

/** The expression that alone gives the variable number `i` its value, or null. */
function sourceAt(values: readonly Expression[], i: number): Expression | null {
  const value = values[i];
  if (value === undefined || value.kind === "call" || value.kind === "vararg") return null;
  return value;
}

function markAssigned(target: AssignmentTarget, source: Expression | null): void {
  if (target.kind !== "local") return;
  const { variable } = target;
  variable.isAssigned = true;
  if (source === null) variable.sources = null;
  else variable.sources?.push(source);
}
