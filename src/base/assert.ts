/**
 * Assertions: what must be true if our own code is right. A failed one is a programmer's error, so
 * it is never turned into a reply: `main.ts` logs it and ends the process, because half-changed
 * data must not be served. Errors of clients and of the world have mechanisms of their own.
 */

/** Thrown by `assert` and `unreachable`; nothing but `main.ts` and tests may catch it. */
export class AssertionFailure extends Error {
  override readonly name = "AssertionFailure";
}

/** Throws AssertionFailure with `message` unless the condition holds. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionFailure(message);
}

/** Marks a place that no execution may reach. */
export function unreachable(message: string): never {
  throw new AssertionFailure(`unreachable: ${message}`);
}
