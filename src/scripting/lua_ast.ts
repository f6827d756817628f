/**
 * The tree that the parser makes of Lua source and the emitter makes JavaScript of.
 *
 * Names are resolved already: a local variable is an object that all its uses share, everything
 * else is a global. Lines are those that Lua 5.1 would give to the instruction. Types only.
 */
import type { FunctionScope, LocalVariable } from "./lua_scope.ts";

export type ArithmeticOperator = "+" | "-" | "*" | "/" | "%" | "^";
export type ComparisonOperator = "==" | "~=" | "<" | "<=" | ">" | ">=";

export interface GlobalExpression {
  kind: "global";
  name: string;
  line: number;
}

export interface LocalExpression {
  kind: "local";
  variable: LocalVariable;
}

export interface IndexExpression {
  kind: "index";
  object: Expression;
  key: Expression;
  line: number;
}

export interface CallExpression {
  kind: "call";
  callee: Expression;
  /** The name of a method, if called by ":". */
  method: string | null;
  args: Expression[];
  line: number;
}

export interface BinaryExpression {
  kind: "binary";
  operator: ArithmeticOperator | ComparisonOperator | "..";
  left: Expression;
  right: Expression;
  line: number;
}

export interface LogicalExpression {
  kind: "and" | "or";
  left: Expression;
  right: Expression;
}

export interface UnaryExpression {
  kind: "unary";
  operator: "-" | "#" | "not";
  operand: Expression;
  line: number;
}

export interface TableExpression {
  kind: "table";
  /** In order; a null key is a place in the list. */
  items: { key: Expression | null; value: Expression; line: number }[];
}

export interface FunctionExpression {
  kind: "function";
  scope: FunctionScope;
  body: Statement[];
}

export type Expression =
  | { kind: "nil" }
  | { kind: "true" }
  | { kind: "false" }
  | { kind: "vararg" }
  | { kind: "number"; value: number }
  | { kind: "string"; value: string }
  | { kind: "paren"; inner: Expression }
  | GlobalExpression
  | LocalExpression
  | IndexExpression
  | CallExpression
  | BinaryExpression
  | LogicalExpression
  | UnaryExpression
  | TableExpression
  | FunctionExpression;

export type AssignmentTarget = GlobalExpression | LocalExpression | IndexExpression;

export interface NumericForStatement {
  kind: "numericFor";
  variable: LocalVariable;
  start: Expression;
  limit: Expression;
  step: Expression | null;
  body: Statement[];
  line: number;
}

export interface GenericForStatement {
  kind: "genericFor";
  variables: LocalVariable[];
  values: Expression[];
  body: Statement[];
  line: number;
}

export interface AssignStatement {
  kind: "assign";
  targets: AssignmentTarget[];
  values: Expression[];
  line: number;
}

export type Statement =
  | { kind: "local"; variables: LocalVariable[]; values: Expression[] }
  | { kind: "localFunction"; variable: LocalVariable; value: FunctionExpression }
  | AssignStatement
  | { kind: "call"; call: CallExpression }
  | { kind: "do"; body: Statement[] }
  | { kind: "while"; condition: Expression; body: Statement[]; line: number }
  | { kind: "repeat"; condition: Expression; body: Statement[]; line: number }
  | {
    kind: "if";
    branches: { condition: Expression; body: Statement[] }[];
    otherwise: Statement[] | null;
  }
  | NumericForStatement
  | GenericForStatement
  | { kind: "return"; values: Expression[] }
  | { kind: "break" };
