/**
 * Makes JavaScript of a chunk: statements and functions. Expressions are in lua_expression_emitter,
 * with the rule of what may stand in emitted text.
 *
 * A Lua function becomes a JavaScript function, its locals `let` variables, its blocks blocks: V8
 * captures variables per iteration as Lua does. A function that calls anything counts its depth in
 * `M.d`, which it takes back before each return, and a step in `M.c`; loops count turns in `k`.
 */
import type {
  AssignmentTarget,
  AssignStatement,
  Expression,
  FunctionExpression,
  GenericForStatement,
  NumericForStatement,
  Statement,
} from "./lua_ast.ts";
import { ExpressionEmitter, isGlobalCall, stringLiteral } from "./lua_expression_emitter.ts";
import { containsCall, describe, isConstant, isMultiple, isSimple } from "./lua_inference.ts";
import { CALLS_MAX } from "./lua_meter.ts";
import type { LocalVariable } from "./lua_scope.ts";
import type { ChunkSites } from "./lua_sites.ts";

/** Counts a turn of a loop; the line of the loop is a comment, for whoever wants to know. */
const countTurn = (line: number) => `if(--k<0)k=h(/*-${line}*/);`;

/**
 * The body of a JavaScript function that returns the chunk as a function; its parameters are the
 * names of lua_runtime_names. `isResumable`: functions are generators (see lua_coroutine).
 */
export function emitChunk(
  chunk: FunctionExpression,
  sites: ChunkSites,
  isResumable: boolean,
): string {
  return new LuaEmitter(sites, isResumable).emitChunk(chunk);
}

/** Globals are Redis's own functions: they make no chain of tail calls. */
function isLibraryCall(call: Expression): boolean {
  return call.kind === "call" && isGlobalCall(call);
}

class LuaEmitter extends ExpressionEmitter {
  #loopCount = 0;

  emitChunk(chunk: FunctionExpression): string {
    // "K" keeps the chunk's places alive as long as its functions.
    return `"use strict";K;return (${this.emitFunction(chunk)})`;
  }

  protected override emitFunction({ scope, body }: FunctionExpression): string {
    const outer = this.frame;
    this.frame = { scope, temporaries: 0, temporariesMax: 0, zero: null, loopDepth: 0 };
    const parameters = scope.parameters.map((parameter) => "v" + parameter.id);
    const { argTable } = scope;
    const makesArg = argTable !== null && argTable.isUsed;
    if (scope.usesVararg || makesArg) parameters.push("...va");
    const loops = this.#loopCount;
    let code = this.#emitBlock(body);
    if (this.#loopCount > loops) code = "let k=127;" + code;
    if (!endsInReturn(body)) code += this.#leave() + "return E";
    if (scope.hasCalls) code = `if(--M.c<0|++M.d>${CALLS_MAX})H();` + code;
    if (makesArg) {
      // Lua 5.1: a function that uses "..." has the variable "arg" too, but it is nil.
      code = `let v${argTable.id}${scope.usesVararg ? "" : "=ar(va)"};` + code;
    }
    const { temporariesMax } = this.frame;
    if (temporariesMax > 0) {
      const names = Array.from({ length: temporariesMax }, (_, i) => "t" + (i + 1));
      code = `let ${names.join()};` + code;
    }
    if (scope.parent === null) code = "K;" + code;
    this.frame = outer;
    return this.isResumable
      ? `rf(function*(${parameters.join()}){${code}})`
      : `(function(${parameters.join()}){${code}})`;
  }

  #leave(): string {
    return this.frame.scope.hasCalls ? "M.d--;" : "";
  }

  #emitBlock(body: readonly Statement[]): string {
    let code = "";
    for (const statement of body) {
      const mark = this.mark;
      code += this.#emitStatement(statement);
      this.releaseTo(mark);
    }
    return code;
  }

  /** The body of a loop, whose depth was counted before its condition was emitted. */
  #emitLoopBody(body: readonly Statement[]): string {
    const code = this.#emitBlock(body);
    this.frame.loopDepth--;
    return code;
  }

  #emitStatement(statement: Statement): string {
    switch (statement.kind) {
      case "local":
        return this.#emitLocal(statement.variables, statement.values);
      case "localFunction":
        return `let v${statement.variable.id}=${this.emitFunction(statement.value)};`;
      case "assign":
        return this.#emitAssign(statement);
      case "call": {
        const code = this.emitCall(statement.call);
        return this.isResumable ? `${code};` : `D(${code});`;
      }
      case "do":
        return `{${this.#emitBlock(statement.body)}}`;
      case "while": {
        this.#loopCount++;
        this.frame.loopDepth++;
        const condition = this.emitCondition(statement.condition);
        return `while(${condition}){${countTurn(statement.line)}${
          this.#emitLoopBody(statement.body)
        }}`;
      }
      case "repeat": {
        this.#loopCount++;
        this.frame.loopDepth++;
        const body = this.#emitBlock(statement.body);
        const until = this.emitCondition(statement.condition);
        this.frame.loopDepth--;
        return `while(true){${countTurn(statement.line)}${body}if(${until})break}`;
      }
      case "if":
        return this.#emitIf(statement);
      case "numericFor":
        return this.#emitNumericFor(statement);
      case "genericFor":
        return this.#emitGenericFor(statement);
      case "return":
        return this.#emitReturn(statement.values);
      case "break":
        return "break;";
    }
  }

  #emitIf({ branches, otherwise }: Statement & { kind: "if" }): string {
    let code = "";
    branches.forEach(({ condition, body }, i) => {
      const mark = this.mark;
      code += `${i === 0 ? "" : "else "}if(${this.emitCondition(condition)}){`;
      this.releaseTo(mark);
      code += this.#emitBlock(body) + "}";
    });
    return otherwise === null ? code : `${code}else{${this.#emitBlock(otherwise)}}`;
  }

  /** Code that puts the values of a list into names, one each, missing ones nil. */
  #emitValues(names: readonly string[], values: readonly Expression[]): string[] {
    const parts: string[] = [];
    values.forEach((value, i) => {
      const isLast = i === values.length - 1;
      if (isLast && isMultiple(value) && names.length > values.length) {
        const all = this.takeTemporary();
        parts.push(`${all}=${this.emitAll(value)}`);
        for (let j = i; j < names.length; j++) parts.push(`${names[j]}=${all}[${j - i}]`);
      } else if (i < names.length) parts.push(`${names[i]}=${this.emit(value)}`);
      else parts.push(this.emit(value));
    });
    if (!isMultiple(values.at(-1))) {
      for (let i = values.length; i < names.length; i++) parts.push(`${names[i]}=void 0`);
    }
    return parts;
  }

  #emitLocal(variables: readonly LocalVariable[], values: readonly Expression[]): string {
    const names = variables.map((variable) => "v" + variable.id);
    if (names.length === values.length || values.length === 0) {
      const parts = values.length === 0 ? names : this.#emitValues(names, values);
      return `let ${parts.join()};`;
    }
    const parts = this.#emitValues(names, values);
    return `let ${names.join()};${parts.join()};`;
  }

  #emitStore(target: AssignmentTarget, value: string, line: number): string {
    switch (target.kind) {
      case "local":
        return `v${target.variable.id}=${value};`;
      case "global":
        return `S(G,${stringLiteral(target.name)},${value},${this.sites.add(line)});`;
      case "index": {
        const site = this.sites.add(line, describe(target.object, this.frame.scope));
        return `S(${this.emit(target.object)},${this.emit(target.key)},${value},${site});`;
      }
    }
  }

  #emitAssign({ targets, values, line }: AssignStatement): string {
    if (targets.length === 1 && values.length === 1) {
      const target = targets[0]!;
      const value = values[0]!;
      if (target.kind !== "index" || !containsCall(value)) {
        return this.#emitStore(target, this.emit(value), line);
      }
      // A call could change a local that is the table: Lua reads it afterwards.
      let before = "";
      const held = this.#hold(target, new Set(), (code) => before += code);
      const name = this.takeTemporary();
      before += `${name}=${this.emit(value)};`;
      return before + held(name, line);
    }
    let code = "";
    const assigned = new Set<LocalVariable>();
    for (const target of targets) if (target.kind === "local") assigned.add(target.variable);
    const stores = targets.map((target) => this.#hold(target, assigned, (text) => code += text));
    const names = targets.map(() => this.takeTemporary());
    code += this.#emitValues(names, values).join() + ";";
    for (let i = targets.length - 1; i >= 0; i--) code += stores[i]!(names[i]!, line);
    return code;
  }

  /** Evaluates table and key of a target; returns what emits the store once the value is there. */
  #hold(
    target: AssignmentTarget,
    assigned: ReadonlySet<LocalVariable>,
    emitBefore: (code: string) => void,
  ): (value: string, line: number) => string {
    if (target.kind !== "index") return (value, line) => this.#emitStore(target, value, line);
    const place = (expression: Expression): string => {
      const isChanged = expression.kind === "local" && (assigned.has(expression.variable) ||
        expression.variable.owner !== this.frame.scope);
      if (isSimple(expression) && !isChanged) return this.emit(expression);
      const name = this.takeTemporary();
      emitBefore(`${name}=${this.emit(expression)};`);
      return name;
    };
    const object = place(target.object);
    const key = place(target.key);
    const names = describe(target.object, this.frame.scope);
    return (value, line) => `S(${object},${key},${value},${this.sites.add(line, names)});`;
  }

  #emitNumericFor(statement: NumericForStatement): string {
    const { variable, start, limit, step, body, line } = statement;
    const id = ++this.#loopCount;
    // Lua takes the step off and adds it again, which shows where it rounds, and makes 0 of -0.
    const isExact = start.kind === "number" && Number.isSafeInteger(start.value) &&
      (step === null || (step.kind === "number" && Number.isSafeInteger(step.value)));
    const first = this.emit(start);
    const parts = [
      `a${id}=${isExact && start.value === 0 ? "0" : first}`,
      `b${id}=${this.emit(limit)}`,
    ];
    if (step !== null && step.kind !== "number") parts.push(`c${id}=${this.emit(step)}`);
    const checked: string[] = [];
    const check = (expression: Expression, name: string, part: number) => {
      if (expression.kind === "number") return;
      checked.push(`${name}=I(${name},${this.sites.add(line)},${part});`);
    };
    check(start, "a" + id, 0);
    check(limit, "b" + id, 1);
    let by = "1";
    let condition = `a${id}<=b${id}`;
    if (step !== null) {
      check(step, "c" + id, 2);
      by = step.kind === "number" ? this.emit(step) : "c" + id;
      if (step.kind !== "number") {
        condition = `(${by}>0?a${id}<=b${id}:a${id}>=b${id})`;
      } else if (!(step.value > 0)) condition = `a${id}>=b${id}`;
    }
    if (!isExact) checked.push(`a${id}=a${id}-${by}+${by};`);
    this.frame.loopDepth++;
    const code = this.#emitLoopBody(body);
    return `{let ${parts.join()};${checked.join("")}` +
      `for(;${condition};a${id}+=${by}){${countTurn(line)}let v${variable.id}=a${id};${code}}}`;
  }

  #emitGenericFor({ variables, values, body, line }: GenericForStatement): string {
    const id = ++this.#loopCount;
    const site = this.sites.add(line, "local '(for generator)'");
    const list = values.length === 1 && isMultiple(values[0])
      ? this.emitAll(values[0]!)
      : `[${this.emitList(values)}]`;
    const names = variables.map((variable, i) => {
      const source = i === 0 ? `a${id}.first` : i === 1 ? `a${id}.second` : `a${id}.more(${i})`;
      return `v${variable.id}=${source}`;
    });
    this.frame.loopDepth++;
    const code = this.#emitLoopBody(body);
    return `{const a${id}=it(${list},${site});while(a${id}.step()){${countTurn(line)}` +
      `let ${names.join()};${code}}}`;
  }

  #emitReturn(values: readonly Expression[]): string {
    const leave = this.#leave();
    const value = values[0];
    if (value === undefined) return `${leave}return E;`;
    let code: string;
    if (values.length > 1) code = `[${this.emitList(values)}]`;
    else if (value.kind === "vararg") code = "va";
    else if (value.kind === "call") code = this.emitCall(value, !isLibraryCall(value));
    else code = this.emit(value);
    if (leave === "" || (values.length === 1 && (isConstant(value) || value.kind === "local"))) {
      return `${leave}return ${code};`;
    }
    const name = this.takeTemporary();
    return `${name}=${code};${leave}return ${name};`;
  }
}

/** Does control never reach the end of the block? */
function endsInReturn(body: readonly Statement[]): boolean {
  const last = body.at(-1);
  if (last === undefined) return false;
  if (last.kind === "return") return true;
  if (last.kind === "do") return endsInReturn(last.body);
  if (last.kind !== "if" || last.otherwise === null) return false;
  return endsInReturn(last.otherwise) && last.branches.every((each) => endsInReturn(each.body));
}
