/**
 * The expressions of Lua 5.1: from tokens to the tree of lua_ast, names resolved on the way.
 *
 * Follows the order in which Lua's own parser looks at the tokens, so that the first error found,
 * its text and its line are the same. Statements are in lua_parser, which extends this class.
 */
import type {
  BinaryExpression,
  CallExpression,
  Expression,
  FunctionExpression,
  Statement,
  TableExpression,
} from "./lua_ast.ts";
import { isMultiple } from "./lua_inference.ts";
import { LuaLexer, NAME, NUMBER, STRING, type TokenKind } from "./lua_lexer.ts";
import { modulo, power } from "./lua_operators.ts";
import { FunctionScope, LOCALS_MAX, type LocalVariable, UPVALUES_MAX } from "./lua_scope.ts";

/** Nested blocks and expressions; Lua's limit of C calls. */
const LEVELS_MAX = 200;

/** Left and right priorities; a larger left one means that the operator groups to the right. */
const PRIORITIES: ReadonlyMap<TokenKind, readonly [number, number]> = new Map([
  ["or", [1, 1]],
  ["and", [2, 2]],
  ["<", [3, 3]],
  [">", [3, 3]],
  ["<=", [3, 3]],
  [">=", [3, 3]],
  ["~=", [3, 3]],
  ["==", [3, 3]],
  ["..", [5, 4]],
  ["+", [6, 6]],
  ["-", [6, 6]],
  ["*", [7, 7]],
  ["/", [7, 7]],
  ["%", [7, 7]],
  ["^", [10, 9]],
]);
const UNARY_PRIORITY = 8;

export abstract class ExpressionParser {
  protected readonly lexer: LuaLexer;
  protected scope: FunctionScope;
  /** Variables that may turn out to hold numbers only. */
  protected readonly numberCandidates: LocalVariable[] = [];
  #level = 0;
  #variableCount = 0;

  constructor(source: string, chunkName: string) {
    this.lexer = new LuaLexer(source, chunkName);
    this.scope = new FunctionScope(null, 0);
    this.scope.isVararg = true;
  }

  /** The statements up to the end of the block, in the scope that is open. */
  protected abstract parseBlock(): Statement[];

  // What the grammar is made of.

  protected check(kind: TokenKind): void {
    if (this.lexer.token.kind !== kind) this.lexer.fail(`'${kind}' expected`);
  }

  protected expect(kind: TokenKind): void {
    this.check(kind);
    this.lexer.next();
  }

  protected accept(kind: TokenKind): boolean {
    if (this.lexer.token.kind !== kind) return false;
    this.lexer.next();
    return true;
  }

  /** The token that closes what `opener` opened in a line. */
  protected expectClosing(kind: TokenKind, opener: TokenKind, line: number): void {
    if (this.lexer.token.kind !== kind && line !== this.lexer.line) {
      this.lexer.fail(`'${kind}' expected (to close '${opener}' at line ${line})`);
    }
    this.expect(kind);
  }

  protected parseName(): string {
    const { token } = this.lexer;
    if (token.kind !== NAME) this.lexer.fail("'<name>' expected");
    const name = token.text;
    this.lexer.next();
    return name;
  }

  protected enterLevel(): void {
    if (++this.#level > LEVELS_MAX) this.lexer.failNear("chunk has too many syntax levels");
  }

  protected leaveLevel(): void {
    this.#level--;
  }

  // Variables.

  #failLimit(scope: FunctionScope, limit: number, what: string): never {
    const where = scope.line === 0 ? "main function" : `function at line ${scope.line}`;
    this.lexer.failNear(`${where} has more than ${limit} ${what}`);
  }

  /** A variable that is not in sight yet; counts towards the limit with those `pending` like it. */
  protected createLocal(name: string, pending: number): LocalVariable {
    if (this.scope.activeCount + pending + 1 > LOCALS_MAX) {
      this.#failLimit(this.scope, LOCALS_MAX, "local variables");
    }
    return this.scope.create(name, this.#variableCount++);
  }

  protected parseVariable(): Expression {
    const name = this.parseName();
    const variable = this.scope.resolve(
      name,
      (scope) => this.#failLimit(scope, UPVALUES_MAX, "upvalues"),
    );
    return variable === null
      ? { kind: "global", name, line: this.lexer.lastLine }
      : { kind: "local", variable };
  }

  // Expressions.

  protected parseExpressionList(): Expression[] {
    const list = [this.parseExpression()];
    while (this.accept(",")) list.push(this.parseExpression());
    return list;
  }

  protected parseExpression(limit = 0): Expression {
    this.enterLevel();
    let left = this.#operand();
    for (;;) {
      const operator = this.lexer.token.kind;
      const priority = PRIORITIES.get(operator);
      if (priority === undefined || priority[0] <= limit) break;
      this.lexer.next();
      const right = this.parseExpression(priority[1]);
      left = operator === "and" || operator === "or"
        ? this.#logical(operator, left, right)
        : this.#binary(operator as BinaryExpression["operator"], left, right);
    }
    this.leaveLevel();
    return left;
  }

  /** Lua leaves out a constant that decides nothing. */
  #logical(operator: "and" | "or", left: Expression, right: Expression): Expression {
    const { kind } = left;
    const isLeftOut = operator === "and"
      ? kind === "number" || kind === "string" || kind === "true"
      : kind === "nil" || kind === "false";
    if (!isLeftOut) return { kind: operator, left, right };
    return isMultiple(right) ? { kind: "paren", inner: right } : right;
  }

  #binary(operator: BinaryExpression["operator"], left: Expression, right: Expression): Expression {
    if (left.kind === "number" && right.kind === "number") {
      const value = foldConstants(operator, left.value, right.value);
      if (value === value) return { kind: "number", value };
    }
    return { kind: "binary", operator, left, right, line: this.lexer.lastLine };
  }

  #operand(): Expression {
    const operator = this.lexer.token.kind;
    if (operator !== "not" && operator !== "-" && operator !== "#") return this.#simple();
    this.lexer.next();
    const operand = this.parseExpression(UNARY_PRIORITY);
    // Lua folds constants, and so shall "-1" be one.
    if (operator === "-" && operand.kind === "number") {
      return { kind: "number", value: -operand.value };
    }
    return { kind: "unary", operator, operand, line: this.lexer.lastLine };
  }

  #simple(): Expression {
    const { token } = this.lexer;
    switch (token.kind) {
      case NUMBER: {
        const value = token.value;
        this.lexer.next();
        return { kind: "number", value };
      }
      case STRING: {
        const value = token.text;
        this.lexer.next();
        return { kind: "string", value };
      }
      case "nil":
      case "true":
      case "false": {
        const kind = token.kind;
        this.lexer.next();
        return { kind };
      }
      case "...":
        if (!this.scope.isVararg) {
          this.lexer.fail("cannot use '...' outside a vararg function");
        }
        this.scope.usesVararg = true;
        this.lexer.next();
        return { kind: "vararg" };
      case "{":
        return this.#table();
      case "function": {
        this.lexer.next();
        return this.parseFunctionBody(false, this.lexer.lastLine);
      }
    }
    return this.parsePrimary();
  }

  #prefix(): Expression {
    const { lexer } = this;
    if (lexer.token.kind === NAME) return this.parseVariable();
    if (lexer.token.kind !== "(") lexer.fail("unexpected symbol");
    const line = lexer.line;
    lexer.next();
    const inner = this.parseExpression();
    this.expectClosing(")", "(", line);
    return inner.kind === "call" || inner.kind === "vararg" ? { kind: "paren", inner } : inner;
  }

  /** A variable or "(...)" with everything that may follow it: fields, indexes, calls. */
  protected parsePrimary(): Expression {
    const { lexer } = this;
    let isParenthesis = lexer.token.kind === "(";
    let value = this.#prefix();
    for (;;) {
      switch (lexer.token.kind) {
        case ".": {
          lexer.next();
          const key: Expression = { kind: "string", value: this.parseName() };
          value = { kind: "index", object: value, key, line: lexer.lastLine };
          break;
        }
        case "[": {
          const key = this.parseKey();
          value = { kind: "index", object: value, key, line: lexer.lastLine };
          break;
        }
        case ":": {
          lexer.next();
          const method = this.parseName();
          value = this.#call(value, method);
          break;
        }
        case "(":
        case STRING:
        case "{":
          value = this.#call(value, null);
          break;
        default:
          this.lastWasParenthesis = isParenthesis;
          return value;
      }
      isParenthesis = false;
    }
  }

  /** The expression parsed last is in parentheses: it can be neither assigned nor called. */
  protected lastWasParenthesis = false;

  protected parseKey(): Expression {
    this.lexer.next();
    const key = this.parseExpression();
    this.expect("]");
    return key;
  }

  #call(callee: Expression, method: string | null): CallExpression {
    const { lexer } = this;
    const line = lexer.line;
    const args = this.#callArguments();
    this.scope.hasCalls = true;
    return { kind: "call", callee, method, args, line };
  }

  #callArguments(): Expression[] {
    const { lexer } = this;
    const { kind, text } = lexer.token;
    if (kind === STRING) {
      lexer.next();
      return [{ kind: "string", value: text }];
    }
    if (kind === "{") return [this.#table()];
    if (kind !== "(") lexer.fail("function arguments expected");
    const line = lexer.line;
    if (line !== lexer.lastLine) {
      lexer.fail("ambiguous syntax (function call x new statement)");
    }
    lexer.next();
    const args = lexer.token.kind === ")" ? [] : this.parseExpressionList();
    this.expectClosing(")", "(", line);
    return args;
  }

  #table(): TableExpression {
    const { lexer } = this;
    const line = lexer.line;
    const items: TableExpression["items"] = [];
    this.expect("{");
    while (lexer.token.kind !== "}") {
      let key: Expression | null = null;
      if (lexer.token.kind === "[") {
        key = this.parseKey();
        this.expect("=");
      } else if (lexer.token.kind === NAME && lexer.peek() === "=") {
        key = { kind: "string", value: this.parseName() };
        this.expect("=");
      }
      items.push({ key, value: this.parseExpression(), line: lexer.lastLine });
      if (!this.accept(",") && !this.accept(";")) break;
    }
    this.expectClosing("}", "{", line);
    return { kind: "table", items };
  }

  /** Parameters, body and "end" of a function whose word "function" stood in `line`. */
  protected parseFunctionBody(isMethod: boolean, line: number): FunctionExpression {
    const scope = new FunctionScope(this.scope, line);
    this.scope = scope;
    this.expect("(");
    const parameters: LocalVariable[] = [];
    const add = (name: string) => parameters.push(this.createLocal(name, parameters.length));
    if (isMethod) this.#addParameter("self");
    if (this.lexer.token.kind !== ")") {
      do {
        if (this.accept("...")) scope.isVararg = true;
        else if (this.lexer.token.kind === NAME) add(this.parseName());
        else this.lexer.fail("<name> or '...' expected");
      } while (!scope.isVararg && this.accept(","));
    }
    for (const parameter of parameters) {
      scope.parameters.push(parameter);
      scope.activate(parameter);
    }
    if (scope.isVararg) {
      scope.argTable = this.createLocal("arg", 0);
      scope.activate(scope.argTable);
    }
    this.expect(")");
    const body = this.parseBlock();
    this.expectClosing("end", "function", line);
    this.scope = scope.parent!;
    return { kind: "function", scope, body };
  }

  #addParameter(name: string): void {
    const parameter = this.createLocal(name, 0);
    this.scope.parameters.push(parameter);
    this.scope.activate(parameter);
  }
}

/** What Lua's compiler computes itself; NaN if it leaves it to the program. */
function foldConstants(operator: string, a: number, b: number): number {
  switch (operator) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      return b === 0 ? NaN : a / b;
    case "%":
      return b === 0 ? NaN : modulo(a, b);
    case "^":
      return power(a, b);
  }
  return NaN;
}
