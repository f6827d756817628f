/**
 * What can be said of expressions without running them: which are numbers for certain, which may
 * call something, and how Lua's error texts name them.
 */
import type { CallExpression, Expression } from "./lua_ast.ts";
import type { FunctionScope, LocalVariable } from "./lua_scope.ts";

/** Is the value a number, whatever happens before? Metamethods only come in where it may not be. */
export function isNumber(expression: Expression): boolean {
  switch (expression.kind) {
    case "number":
      return true;
    case "local":
      return expression.variable.isNumber;
    case "unary":
      return expression.operator === "#" ||
        (expression.operator === "-" && isNumber(expression.operand));
    case "binary":
      return ARITHMETIC.has(expression.operator) && isNumber(expression.left) &&
        isNumber(expression.right);
    default:
      return false;
  }
}

const ARITHMETIC: ReadonlySet<string> = new Set(["+", "-", "*", "/", "%", "^"]);

/** Finds the variables that are given nothing but numbers: all are thought so until proven not. */
export function inferNumbers(candidates: readonly LocalVariable[]): void {
  let open = candidates.filter((variable) => variable.sources !== null);
  for (const variable of open) variable.isNumber = true;
  for (let count = -1; count !== open.length;) {
    count = open.length;
    open = open.filter((variable) =>
      variable.isNumber = (variable.sources as Expression[]).every(isNumber)
    );
  }
}

/** True, false, or undefined if only running it tells. */
export function isBoolean(expression: Expression): boolean {
  switch (expression.kind) {
    case "true":
    case "false":
      return true;
    case "unary":
      return expression.operator === "not";
    case "binary":
      return !ARITHMETIC.has(expression.operator) && expression.operator !== "..";
    case "and":
    case "or":
      return isBoolean(expression.left) && isBoolean(expression.right);
    default:
      return false;
  }
}

/** May the expression be written twice? It costs nothing and changes nothing. */
export function isSimple(expression: Expression): boolean {
  switch (expression.kind) {
    case "nil":
    case "true":
    case "false":
    case "number":
    case "string":
    case "local":
      return true;
    default:
      return false;
  }
}

export function isConstant(expression: Expression): boolean {
  return expression.kind !== "local" && isSimple(expression);
}

/** Is there a call in it that is made when it is evaluated? */
export function containsCall(expression: Expression): boolean {
  switch (expression.kind) {
    case "call":
      return true;
    case "paren":
      return containsCall(expression.inner);
    case "index":
      return containsCall(expression.object) || containsCall(expression.key);
    case "binary":
    case "and":
    case "or":
      return containsCall(expression.left) || containsCall(expression.right);
    case "unary":
      return containsCall(expression.operand);
    case "table":
      return expression.items.some((item) =>
        (item.key !== null && containsCall(item.key)) || containsCall(item.value)
      );
    default:
      return false;
  }
}

/** Does it give any number of values? */
export function isMultiple(expression: Expression | undefined): boolean {
  return expression !== undefined && (expression.kind === "call" || expression.kind === "vararg");
}

/**
 * The name that Lua's messages give to a value, or null. Lua finds it by looking at the instruction
 * that loaded the register; constants have none.
 */
export function describe(expression: Expression, scope: FunctionScope): string | null {
  switch (expression.kind) {
    case "local":
      return `${expression.variable.owner === scope ? "local" : "upvalue"} '${
        cText(expression.variable.name)
      }'`;
    case "global":
      return `global '${expression.name}'`;
    case "index":
      return `field '${expression.key.kind === "string" ? cText(expression.key.value) : "?"}'`;
    default:
      return null;
  }
}

/** Names are C strings: they end at a zero. */
function cText(text: string): string {
  const zero = text.indexOf("\0");
  return zero < 0 ? text : text.slice(0, zero);
}

export function describeCallee(call: CallExpression, scope: FunctionScope): string | null {
  return call.method === null ? describe(call.callee, scope) : `method '${call.method}'`;
}
