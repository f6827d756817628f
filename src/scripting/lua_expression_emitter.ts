/**
 * Makes JavaScript of Lua expressions.
 *
 * Emitted text consists of: keywords and operators written here, the numbered names `v1` (locals),
 * `t1` (temporaries) and `a1`, `b1`, `c1` (loops), the one- and two-letter names of the runtime
 * (lua_runtime_names), numbers, and string literals escaped by JSON.stringify. Nothing else of a
 * script's text gets there: names of variables and fields are never emitted as names.
 *
 * Lua reads a local at the last moment, when the operator runs: operands that are locals are left
 * where they stand, everything else goes to a temporary first, in order.
 */
import type {
  BinaryExpression,
  CallExpression,
  Expression,
  FunctionExpression,
  IndexExpression,
  LogicalExpression,
  TableExpression,
  UnaryExpression,
} from "./lua_ast.ts";
import {
  containsCall,
  describe,
  describeCallee,
  isBoolean,
  isConstant,
  isMultiple,
  isNumber,
  isSimple,
} from "./lua_inference.ts";
import type { FunctionScope } from "./lua_scope.ts";
import { LINEAR_KEYS_MAX } from "./lua_table.ts";
import type { ChunkSites } from "./lua_sites.ts";

/** Runtime functions of the arithmetic operators, for operands that may be no numbers. */
const ARITHMETIC_NAMES: Readonly<Record<string, string>> = {
  "+": "A",
  "-": "B",
  "*": "P",
  "/": "Q",
  "%": "R",
  "^": "W",
};

/** What the emitter keeps while it writes one function. */
export interface FunctionFrame {
  readonly scope: FunctionScope;
  /** Temporaries in use, and the most that were. */
  temporaries: number;
  temporariesMax: number;
  /** The literal of the function's constant zero, once there is one. */
  zero: string | null;
  /** Loops around the place that is emitted. */
  loopDepth: number;
}

/** The JavaScript literal of a string: nothing in it can end the literal. */
export function stringLiteral(text: string): string {
  return JSON.stringify(text);
}

export function numberLiteral(value: number): string {
  if (value === Infinity) return "(1/0)";
  if (value === -Infinity) return "(-1/0)";
  if (value !== value) return "(0/0)";
  return value < 0 || Object.is(value, -0)
    ? `(${Object.is(value, -0) ? "-0" : value})`
    : String(value);
}

export abstract class ExpressionEmitter {
  protected readonly sites: ChunkSites;
  /** Functions are generators, so that they can yield inside a coroutine. */
  protected readonly isResumable: boolean;
  protected frame!: FunctionFrame;

  constructor(sites: ChunkSites, isResumable: boolean) {
    this.sites = sites;
    this.isResumable = isResumable;
  }

  protected abstract emitFunction(expression: FunctionExpression): string;

  protected takeTemporary(): string {
    const { frame } = this;
    const number = ++frame.temporaries;
    if (number > frame.temporariesMax) frame.temporariesMax = number;
    return "t" + number;
  }

  /** The number of temporaries in use: set it back when those taken since are no longer needed. */
  protected get mark(): number {
    return this.frame.temporaries;
  }

  protected releaseTo(mark: number): void {
    this.frame.temporaries = mark;
  }

  /** The single value of an expression. */
  protected emit(expression: Expression): string {
    switch (expression.kind) {
      case "nil":
        return "void 0";
      case "true":
      case "false":
        return expression.kind;
      case "number":
        return this.#emitNumber(expression.value);
      case "string":
        return stringLiteral(expression.value);
      case "vararg":
        return "va[0]";
      case "local":
        return "v" + expression.variable.id;
      case "global": {
        const site = this.sites.add(expression.line);
        return `gv(G,${stringLiteral(expression.name)},i,${this.sites.hintOf(site)},${site})`;
      }
      case "paren":
        return this.emit(expression.inner);
      case "index":
        return this.#emitIndex(expression.object, expression.key, expression.line);
      case "call":
        return `F(${this.emitCall(expression)})`;
      case "binary":
        return this.#emitBinary(expression);
      case "and":
      case "or":
        return this.#emitLogical(expression);
      case "unary":
        return this.#emitUnary(expression);
      case "table":
        return this.#emitTable(expression);
      case "function":
        return this.emitFunction(expression);
    }
  }

  /** Lua keeps one constant for 0 and -0 in each function: the one that came first. */
  #emitNumber(value: number): string {
    if (value !== 0) return numberLiteral(value);
    return this.frame.zero ??= numberLiteral(value);
  }

  /** All values of an expression that gives any number of them, as an array. */
  protected emitAll(expression: Expression): string {
    return expression.kind === "call" ? `Y(${this.emitCall(expression)})` : "va";
  }

  /** A list of values, the last with all of its own: what stands between brackets. */
  protected emitList(values: readonly Expression[]): string {
    return values.map((value, i) =>
      i === values.length - 1 && isMultiple(value) ? "..." + this.emitAll(value) : this.emit(value)
    ).join();
  }

  /** A condition as a JavaScript boolean. */
  protected emitCondition(expression: Expression): string {
    switch (expression.kind) {
      case "nil":
      case "false":
        return "false";
      case "true":
      case "number":
      case "string":
        return "true";
      case "and":
        return `(${this.emitCondition(expression.left)}&&${this.emitCondition(expression.right)})`;
      case "or":
        return `(${this.emitCondition(expression.left)}||${this.emitCondition(expression.right)})`;
      case "unary":
        if (expression.operator === "not") return `!${this.emitCondition(expression.operand)}`;
    }
    if (isBoolean(expression)) return this.emit(expression);
    if (isSimple(expression)) {
      const name = this.emit(expression);
      return `(${name}!==void 0&&${name}!==false)`;
    }
    const mark = this.mark;
    const name = this.takeTemporary();
    const value = this.emit(expression);
    this.releaseTo(mark);
    return `((${name}=${value})!==void 0&&${name}!==false)`;
  }

  /** Must be evaluated before a later operand: not a local that such a call could change. */
  #isLate(expression: Expression): boolean {
    return expression.kind === "local" && expression.variable.owner === this.frame.scope &&
      expression.variable.isCaptured && expression.variable.isAssigned;
  }

  #emitIndex(object: Expression, key: Expression, line: number): string {
    const mark = this.mark;
    let before = "";
    let holder = this.emit(object);
    if (this.#isLate(object) && containsCall(key)) {
      const name = this.takeTemporary();
      before = `${name}=${this.emit(key)},`;
      holder = `X(${holder},${name},`;
    } else if (key.kind === "string") holder = `x(${holder},${stringLiteral(key.value)},`;
    else holder = `X(${holder},${this.emit(key)},`;
    this.releaseTo(mark);
    const site = this.sites.add(line, describe(object, this.frame.scope));
    return before === "" ? `${holder}${site})` : `(${before}${holder}${site}))`;
  }

  /** Brings operands where they can be named twice: the code to run before, and the names. */
  #operands(left: Expression, right: Expression): { before: string; a: string; b: string } {
    let before = "";
    const place = (expression: Expression): string => {
      if (isSimple(expression)) return this.emit(expression);
      const name = this.takeTemporary();
      before += `${name}=${this.emit(expression)},`;
      return name;
    };
    const a = place(left);
    const b = place(right);
    return { before, a, b };
  }

  #emitBinary(expression: BinaryExpression): string {
    const { operator, left, right, line } = expression;
    const mark = this.mark;
    let code: string;
    if (operator === "..") {
      const a = this.emit(left);
      const b = this.emit(right);
      code = `J(${a},${b},${this.#siteOf(expression)})`;
    } else if (operator in ARITHMETIC_NAMES) code = this.#emitArithmetic(expression);
    else if (operator === "==" || operator === "~=") code = this.#emitEquality(expression);
    else {
      const { before, a, b } = this.#operands(left, right);
      const isSwapped = operator === ">" || operator === ">=";
      const name = operator === "<" || operator === ">" ? "Z" : "V";
      const checks = this.#numberChecks(left, a, right, b);
      const site = checks === "" ? 0 : this.sites.add(line);
      const slow = isSwapped ? `${name}(${b},${a},${site})` : `${name}(${a},${b},${site})`;
      if (checks === "") code = `(${before}${a}${operator}${b})`;
      else if (checks === "false") code = before === "" ? slow : `(${before}${slow})`;
      else code = `(${before}${checks}?${a}${operator}${b}:${slow})`;
    }
    this.releaseTo(mark);
    return code;
  }

  #siteOf({ left, right, line }: BinaryExpression): number {
    const { scope } = this.frame;
    return this.sites.add(line, describe(left, scope), describe(right, scope));
  }

  /** Outside of functions and loops, code that is short is better than code that is fast. */
  get #runsOnce(): boolean {
    return this.frame.loopDepth === 0 && this.frame.scope.parent === null;
  }

  /**
   * The test that both operands are numbers: empty if they are for certain, "false" if the runtime
   * function is to make it.
   */
  #numberChecks(left: Expression, a: string, right: Expression, b: string): string {
    if (this.#runsOnce && !(isNumber(left) && isNumber(right))) return "false";
    const checks: string[] = [];
    if (!isNumber(left)) checks.push(`typeof ${a}==="number"`);
    if (!isNumber(right)) checks.push(`typeof ${b}==="number"`);
    return checks.join("&&");
  }

  #emitArithmetic(expression: BinaryExpression): string {
    const { operator, left, right } = expression;
    const { before, a, b } = this.#operands(left, right);
    const checks = this.#numberChecks(left, a, right, b);
    let fast = `${a}${operator}${b}`;
    if (operator === "%") fast = `mo(${a},${b})`;
    else if (operator === "^") fast = `pw(${a},${b})`;
    if (checks === "") return `(${before}${fast})`;
    const slow = `${ARITHMETIC_NAMES[operator]}(${a},${b},${this.#siteOf(expression)})`;
    // The runtime function looks at the types itself.
    if (operator === "%" || operator === "^" || checks === "false") {
      return before === "" ? slow : `(${before}${slow})`;
    }
    return `(${before}${checks}?${fast}:${slow})`;
  }

  #emitEquality({ operator, left, right, line }: BinaryExpression): string {
    const sign = operator === "==" ? "" : "!";
    if (isConstant(left) || isConstant(right) || (isNumber(left) && isNumber(right))) {
      return `(${this.emit(left)}${sign || "="}==${this.emit(right)})`;
    }
    if (this.#isLate(left) && containsCall(right)) {
      const { before, a, b } = this.#operands(left, right);
      return `(${before}${sign}O(${a},${b},${this.sites.add(line)}))`;
    }
    const a = this.emit(left);
    const b = this.emit(right);
    return `${sign}O(${a},${b},${this.sites.add(line)})`;
  }

  #emitLogical({ kind, left, right }: LogicalExpression): string {
    const mark = this.mark;
    let code: string;
    if (isBoolean(left)) {
      const condition = this.emitCondition(left);
      const value = this.emit(right);
      code = kind === "and" ? `(${condition}?${value}:false)` : `(${condition}?true:${value})`;
    } else {
      let name: string;
      let first: string;
      if (isSimple(left)) first = name = this.emit(left);
      else {
        name = this.takeTemporary();
        first = `(${name}=${this.emit(left)})`;
      }
      const value = this.emit(right);
      code = kind === "and"
        ? `(${first}===void 0||${name}===false?${name}:${value})`
        : `(${first}!==void 0&&${name}!==false?${name}:${value})`;
    }
    this.releaseTo(mark);
    return code;
  }

  #emitUnary({ operator, operand, line }: UnaryExpression): string {
    if (operator === "not") return `!${this.emitCondition(operand)}`;
    const value = this.emit(operand);
    if (operator === "-" && isNumber(operand)) return `(-${value})`;
    const site = this.sites.add(line, describe(operand, this.frame.scope));
    return `${operator === "-" ? "N" : "L"}(${value},${site})`;
  }

  #emitTable({ items }: TableExpression): string {
    const last = items.at(-1);
    if (items.every((item) => item.key === null)) {
      return items.length === 0 ? "new T" : `T.of([${this.emitList(items.map((i) => i.value))}])`;
    }
    const mark = this.mark;
    // Lists and keys are stored apart; calls in them must be made in order.
    const inOrder = items.some((item) => item.key === null) &&
      items.some((item) =>
        containsCall(item.value) || (item.key !== null && containsCall(item.key))
      );
    let before = "";
    const place = (code: string): string => {
      if (!inOrder) return code;
      const name = this.takeTemporary();
      before += `${name}=${code},`;
      return name;
    };
    const list: string[] = [];
    const fields: string[] = [];
    const names = fieldNames(items);
    for (const { key, value, line } of items) {
      if (key !== null && names !== null) fields.push(place(this.emit(value)));
      else if (key !== null) {
        const site = isConstant(key) && key.kind !== "nil" ? 0 : this.sites.add(line);
        fields.push(place(this.emit(key)), place(this.emit(value)), String(site));
      } else if (value === last!.value && isMultiple(value)) {
        list.push("..." + place(this.emitAll(value)));
      } else list.push(place(this.emit(value)));
    }
    this.releaseTo(mark);
    const made = names === null
      ? `ct([${list.join()}],[${fields.join()}])`
      : `cf([${list.join()}],[${names.map(stringLiteral).join()}],[${fields.join()}])`;
    return `(${before}${made})`;
  }

  /** A call; the result is as the function gives it: a value, or an array of any number. */
  protected emitCall(call: CallExpression, isTail = false): string {
    if (this.isResumable) return this.#emitResumableCall(call, isTail);
    const { callee, method, args, line } = call;
    const { scope } = this.frame;
    const mark = this.mark;
    const site = this.sites.add(line, describeCallee(call, scope), isTail ? "tail" : null);
    if (method === null && callee.kind === "local" && isKnownFunction(callee.variable)) {
      const list = this.emitList(args);
      const name = `v${callee.variable.id}`;
      return isTail
        ? `(M.d>190?U(${name}):${name})/*${site}*/(${list})`
        : `${name}/*${site}*/(${list})`;
    }
    // The place must be noted after all other calls were made.
    const isNotedLate = args.some(containsCall);
    if (!isTail && isGlobalCall(call)) {
      const found = this.#emitGlobalCallee(call, site);
      return `${found}(${isNotedLate ? this.#emitNoting(args, site) : this.emitList(args)})`;
    }
    const { before, name, first } = this.#emitCallee(call);
    const list = isNotedLate ? this.#emitNoting(args, site) : this.emitList(args);
    const note = isNotedLate ? "" : `M.s=${site},`;
    const all = first === "" ? list : list === "" ? first : `${first},${list}`;
    this.releaseTo(mark);
    const target = isTail ? `M.d>190?U(${name}):${name}` : name;
    return `(${before}${note}typeof ${name}==="function"?${target}:C(${name},${site}))(${all})`;
  }

  /** `f` or `t.f` of a call, where f or t is a global: one look-up that notes the place as well. */
  #emitGlobalCallee({ callee, line }: CallExpression, site: number): string {
    // The places behind the call's: of the global, and of its field.
    const hint = this.sites.hintOf(this.sites.add(line));
    if (callee.kind === "global") {
      return `g(G,${stringLiteral(callee.name)},i,${hint},${site})`;
    }
    const { object, key } = callee as IndexExpression;
    this.sites.add(line, describe(object, this.frame.scope));
    return `gf(G,${this.#textOf(object)},${this.#textOf(key)},i,${hint},${site})`;
  }

  #textOf(expression: Expression): string {
    if (expression.kind === "global") return stringLiteral(expression.name);
    return stringLiteral(expression.kind === "string" ? expression.value : "");
  }

  /** Code that finds the function, the name of it, and the object if it is a method. */
  #emitCallee(
    { callee, method, line }: CallExpression,
  ): { before: string; name: string; first: string } {
    if (method === null) {
      if (isSimple(callee)) {
        return { before: "", name: this.emit(callee), first: "" };
      }
      const value = this.emit(callee);
      const name = this.takeTemporary();
      return { before: `${name}=${value},`, name, first: "" };
    }
    let before = "";
    const object = this.emit(callee);
    const first = this.takeTemporary();
    before = `${first}=${object},`;
    const name = this.takeTemporary();
    const site = this.sites.add(line, describe(callee, this.frame.scope));
    before += `${name}=x(${first},${stringLiteral(method)},${site}),`;
    return { before, name, first };
  }

  /** Arguments with calls in them: after the last one the place of the outer call is noted. */
  #emitNoting(args: readonly Expression[], site: number): string {
    const last = args.at(-1)!;
    const list = args.slice(0, -1).map((arg) => this.emit(arg));
    const isAll = isMultiple(last);
    const value = isAll ? this.emitAll(last) : this.emit(last);
    const spread = isAll ? "..." : "";
    if (!containsCall(last)) list.push(`${spread}(M.s=${site},${value})`);
    else {
      const name = this.takeTemporary();
      list.push(`${spread}(${name}=${value},M.s=${site},${name})`);
    }
    return list.join();
  }

  #emitResumableCall(call: CallExpression, isTail: boolean): string {
    const { args, line } = call;
    const mark = this.mark;
    const site = this.sites.add(
      line,
      describeCallee(call, this.frame.scope),
      isTail ? "tail" : null,
    );
    const { before, name, first } = this.#emitCallee(call);
    const list = this.emitList(args);
    const all = first === "" ? list : list === "" ? first : `${first},${list}`;
    const fn = this.takeTemporary();
    const values = this.takeTemporary();
    this.releaseTo(mark);
    const head = `${before}${values}=[${all}],M.s=${site},${fn}=typeof ${name}==="function"?` +
      `${isTail ? `M.d>190?U(${name}):` : ""}${name}:C(${name},${site})`;
    // The number of the place stands where V8's stack points to.
    const made = `${fn}.resumable===void 0?${fn}/*${site}*/(...${values}):` +
      `(yield*${fn}.resumable/*${site}*/(...${values}))`;
    if (isTail) return `(${head},${made})`;
    return `(${head},${fn}=${made},tc(${fn})?(yield*rt(${fn})):${fn})`;
  }
}

/** The keys of a table constructor, if they are a few constant strings that differ; else null. */
function fieldNames(items: TableExpression["items"]): string[] | null {
  const names: string[] = [];
  for (const { key } of items) {
    if (key === null) continue;
    if (key.kind !== "string" || names.includes(key.value)) return null;
    names.push(key.value);
  }
  return names.length > LINEAR_KEYS_MAX ? null : names;
}

/** `f(…)` or `t.f(…)` where f or t is a global: most often a function of a library. */
export function isGlobalCall(call: CallExpression): boolean {
  if (call.method !== null) return false;
  const { callee } = call;
  if (callee.kind !== "index") return callee.kind === "global";
  return callee.object.kind === "global" && callee.key.kind === "string";
}

/** Is the variable a function for good, so that a call of it needs no checks? */
function isKnownFunction(variable: { isFunction: boolean; isAssigned: boolean }): boolean {
  return variable.isFunction && !variable.isAssigned;
}
