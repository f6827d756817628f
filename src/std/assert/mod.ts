/**
 * Local stand-in for `jsr:@std/assert`: the assertions that our tests use, with the same names and
 * signatures, over `node:assert`. It exists so that the project builds and tests itself where JSR
 * cannot be reached; deleting "links" from deno.json puts the real package in its place.
 *
 * Does not draw coloured differences: messages come from Node's own formatter.
 */
import nodeAssert from "node:assert";

/** What every assertion here throws. */
export class AssertionError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AssertionError";
  }
}

/** An error class, abstract ones included, as `assertThrows` takes it. */
// deno-lint-ignore no-explicit-any
type ErrorClass<E extends Error> = abstract new (...args: any[]) => E;

function explain(message: string, extra: string | undefined): string {
  return extra === undefined ? message : `${message}: ${extra}`;
}

/** Runs a `node:assert` check and reports its failure as our AssertionError. */
function check(body: () => void, extra: string | undefined): void {
  try {
    body();
  } catch (error) {
    const message = (error as Error).message;
    throw new AssertionError(extra === undefined ? message : `${extra}\n${message}`);
  }
}

export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

export function fail(msg?: string): never {
  throw new AssertionError(explain("Failed assertion", msg));
}

export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  check(() => nodeAssert.deepStrictEqual(actual, expected), msg);
}

export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  check(() => nodeAssert.notDeepStrictEqual(actual, expected), msg);
}

export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T {
  check(() => nodeAssert.strictEqual(actual, expected), msg);
}

export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance?: number,
  msg?: string,
): void {
  if (Object.is(actual, expected)) return;
  const allowed = tolerance ?? (Number.isFinite(expected) ? Math.abs(expected * 1e-7) : 1e-7);
  if (Math.abs(actual - expected) <= allowed) return;
  fail(explain(`Expected ${actual} to be within ${allowed} of ${expected}`, msg));
}

export function assertStringIncludes(actual: string, expected: string, msg?: string): void {
  if (actual.includes(expected)) return;
  throw new AssertionError(explain(`Expected "${actual}" to contain "${expected}"`, msg));
}

export function assertMatch(actual: string, expected: RegExp, msg?: string): void {
  if (expected.test(actual)) return;
  throw new AssertionError(explain(`Expected "${actual}" to match ${expected}`, msg));
}

/** Judges what a function threw, as `assertThrows` and `assertRejects` both do. */
function judgeThrown<E extends Error>(
  error: unknown,
  errorClass: ErrorClass<E> | undefined,
  messageIncludes: string | undefined,
  extra: string | undefined,
): void {
  if (errorClass === undefined && messageIncludes === undefined) return;
  if (!(error instanceof Error)) {
    throw new AssertionError(explain(`A non-Error was thrown: ${String(error)}`, extra));
  }
  if (errorClass !== undefined && !(error instanceof errorClass)) {
    const expected = `Expected an error of class "${errorClass.name}", but got`;
    throw new AssertionError(explain(`${expected} "${error.name}: ${error.message}"`, extra));
  }
  if (messageIncludes !== undefined && !error.message.includes(messageIncludes)) {
    const expected = `Expected the error's message to contain "${messageIncludes}", but got`;
    throw new AssertionError(explain(`${expected} "${error.message}"`, extra));
  }
}

export function assertThrows(fn: () => unknown, msg?: string): unknown;
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  errorClass: ErrorClass<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  classOrMessage?: ErrorClass<E> | string,
  msgIncludes?: string,
  msg?: string,
): E | Error | unknown {
  const errorClass = typeof classOrMessage === "string" ? undefined : classOrMessage;
  const extra = typeof classOrMessage === "string" ? classOrMessage : msg;
  try {
    fn();
  } catch (error) {
    judgeThrown(error, errorClass, msgIncludes, extra);
    return error;
  }
  throw new AssertionError(explain("Expected function to throw", extra));
}

export function assertRejects(fn: () => PromiseLike<unknown>, msg?: string): Promise<unknown>;
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  errorClass: ErrorClass<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  classOrMessage?: ErrorClass<E> | string,
  msgIncludes?: string,
  msg?: string,
): Promise<E | Error | unknown> {
  const errorClass = typeof classOrMessage === "string" ? undefined : classOrMessage;
  const extra = typeof classOrMessage === "string" ? classOrMessage : msg;
  let promise: PromiseLike<unknown>;
  try {
    promise = fn();
  } catch (error) {
    throw new AssertionError(explain(`Function threw when expected to reject: ${error}`, extra));
  }
  try {
    await promise;
  } catch (error) {
    judgeThrown(error, errorClass, msgIncludes, extra);
    return error;
  }
  throw new AssertionError(explain("Expected function to reject", extra));
}
