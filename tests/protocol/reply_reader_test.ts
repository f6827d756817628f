/** Tests of src/protocol/reply_reader.ts. */
import { assertEquals, assertThrows } from "@std/assert";
import {
  decodeReply,
  isErrorReply,
  isPushReply,
  type Reply,
  ReplyFormatError,
  ReplyReader,
} from "../../src/protocol/reply_reader.ts";
import { fromLatin1, latin1 } from "../support/text.ts";

const EVERY_KIND = [
  "+OK\r\n",
  "-ERR no\r\n",
  ":-12\r\n",
  "$5\r\na\r\n\0b\r\n",
  "$0\r\n\r\n",
  "$-1\r\n",
  "*-1\r\n",
  "*0\r\n",
  "*3\r\n:1\r\n*2\r\n+x\r\n$1\r\ny\r\n_\r\n",
  "_\r\n",
  "#t\r\n",
  "#f\r\n",
  ",1.5\r\n",
  "(12345678901234567890\r\n",
  "!5\r\nERR x\r\n",
  "=8\r\ntxt:text\r\n",
  "~2\r\n:1\r\n:2\r\n",
  "%2\r\n+a\r\n:1\r\n+b\r\n*1\r\n:2\r\n",
  ">2\r\n+message\r\n$1\r\nx\r\n",
  "|1\r\n+ttl\r\n:9\r\n*1\r\n:7\r\n",
];

function cut(text: string, size: number): string[] {
  const reader = new ReplyReader();
  const replies: string[] = [];
  for (let at = 0; at < text.length; at += size) {
    reader.write(latin1(text.slice(at, at + size)));
    for (let bytes = reader.next(); bytes !== null; bytes = reader.next()) {
      replies.push(fromLatin1(bytes));
    }
  }
  assertEquals(reader.pendingBytes, 0);
  return replies;
}

function decode(text: string): Reply {
  return decodeReply(latin1(text));
}

Deno.test("replies are cut at their ends however the bytes arrive", () => {
  for (const size of [1, 2, 3, 7, 10_000]) assertEquals(cut(EVERY_KIND.join(""), size), EVERY_KIND);
});

Deno.test("a reply larger than the buffer is put together, and the buffer is used again", () => {
  const large = `$300000\r\n${"x".repeat(300_000)}\r\n`;
  const text = `${large}:1\r\n${large}`;
  assertEquals(cut(text, 50_000), [large, ":1\r\n", large]);
});

Deno.test("decoding keeps the differences of the wire", () => {
  assertEquals(decode("+OK\r\n"), { kind: "status", bytes: latin1("OK") });
  assertEquals(decode("$2\r\nOK\r\n"), { kind: "bulk", bytes: latin1("OK") });
  assertEquals(decode("!5\r\nERR x\r\n"), { kind: "error", bytes: latin1("ERR x") });
  assertEquals(decode("=8\r\ntxt:text\r\n"), {
    kind: "verbatim",
    format: "txt",
    bytes: latin1("text"),
  });
  assertEquals(decode("=0\r\n\r\n"), { kind: "verbatim", format: "", bytes: latin1("") });
  assertEquals(decode("$-1\r\n"), { kind: "nullBulk" });
  assertEquals(decode("*-1\r\n"), { kind: "nullArray" });
  assertEquals(decode("(123456789012345678901\r\n"), {
    kind: "bignum",
    text: "123456789012345678901",
  });
  const one: Reply = { kind: "integer", text: "1" };
  assertEquals(decode("%1\r\n:1\r\n~1\r\n:1\r\n"), {
    kind: "map",
    items: [one, { kind: "set", items: [one] }],
  });
  assertEquals(decode("|1\r\n+ttl\r\n:9\r\n:1\r\n"), one, "attributes are left out");
});

Deno.test("pushes and errors are known without decoding", () => {
  assertEquals(EVERY_KIND.filter((text) => isPushReply(latin1(text))).length, 1);
  assertEquals(EVERY_KIND.filter((text) => isErrorReply(latin1(text))), [
    "-ERR no\r\n",
    "!5\r\nERR x\r\n",
  ]);
});

Deno.test("what is not RESP is refused at its first byte", () => {
  const reader = new ReplyReader();
  reader.write(latin1("HTTP/1.1"));
  assertThrows(() => reader.next(), ReplyFormatError, 'got "H" as reply type byte');
  const badLength = new ReplyReader();
  badLength.write(latin1("$1x\r\n"));
  assertThrows(() => badLength.next(), ReplyFormatError, "bad length");
});

Deno.test("what was not handed out can be taken as it is", () => {
  const reader = new ReplyReader();
  reader.write(latin1("+OK\r\n$10\r\nabc"));
  assertEquals(fromLatin1(reader.next()!), "+OK\r\n");
  assertEquals(reader.next(), null);
  assertEquals(fromLatin1(reader.takeRest()), "$10\r\nabc");
  reader.write(latin1(":1\r\n"));
  assertEquals(fromLatin1(reader.next()!), ":1\r\n");
});
