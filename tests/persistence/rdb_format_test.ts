/** What holds of the format as a whole: its error, its versions. */
import { assertEquals } from "@std/assert";
import { isReadableWhere, RDB_VERSION, RdbFormatError } from "../../src/persistence/rdb_format.ts";

Deno.test("a format error says what, where and why", () => {
  const error = new RdbFormatError("dump.rdb", 12, "unexpected end of file");
  assertEquals(
    error.message,
    'Cannot load RDB file "dump.rdb": unexpected end of file at offset 12',
  );
  assertEquals([error.name, error.offset], ["RdbFormatError", 12]);
});

Deno.test("the format is that of Redis 7.0", () => assertEquals(RDB_VERSION, 10));

Deno.test("a version is readable where it is not later than what is written, nor another program's", () => {
  const readable = ([9, 10, 11, 12, 80] as const).map((written) =>
    [1, 9, 10, 11, 12, 16, 80].filter((version) => isReadableWhere(written, version))
  );
  assertEquals(readable, [
    [1, 9],
    [1, 9, 10],
    [1, 9, 10, 11],
    [1, 9, 10, 11, 12],
    [1, 9, 10, 11, 80],
  ]);
});
