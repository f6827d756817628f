/** Tests of src/base/assert.ts. */
import { assertStringIncludes, assertThrows } from "@std/assert";
import { assert, AssertionFailure, unreachable } from "../../src/base/assert.ts";

Deno.test("assert lets a true condition pass and names a false one", () => {
  assert(true, "never seen");
  assertThrows(() => assert(false, "the list has an end"), AssertionFailure, "has an end");
});

Deno.test("unreachable throws an AssertionFailure that says so", () => {
  const error = assertThrows(() => unreachable("encoding 9"), AssertionFailure);
  assertStringIncludes(error.message, "unreachable: encoding 9");
});
