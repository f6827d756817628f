/** The error that every reader of the format throws. */
import { assertEquals } from "@std/assert";
import { RDB_VERSION, RdbFormatError } from "../../src/persistence/rdb_format.ts";

Deno.test("a format error says what, where and why", () => {
  const error = new RdbFormatError("dump.rdb", 12, "unexpected end of file");
  assertEquals(
    error.message,
    'Cannot load RDB file "dump.rdb": unexpected end of file at offset 12',
  );
  assertEquals([error.name, error.offset], ["RdbFormatError", 12]);
});

Deno.test("the format is that of Redis 7.0", () => assertEquals(RDB_VERSION, 10));
