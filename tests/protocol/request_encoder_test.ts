/** Tests of src/protocol/request_encoder.ts. */
import { assertEquals } from "@std/assert";
import { encodeRequests } from "../../src/protocol/request_encoder.ts";
import { fromLatin1, latin1 } from "../support/text.ts";

Deno.test("requests are arrays of bulk strings, whatever their bytes", () => {
  const encoded = encodeRequests([[latin1("SET"), latin1("a\r\n\xff"), latin1("")], [
    latin1("PING"),
  ]]);
  assertEquals(
    fromLatin1(encoded),
    "*3\r\n$3\r\nSET\r\n$4\r\na\r\n\xff\r\n$0\r\n\r\n*1\r\n$4\r\nPING\r\n",
  );
  assertEquals(encodeRequests([]).length, 0);
});
