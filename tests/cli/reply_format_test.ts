/** Tests of src/cli/reply_format.ts; interop/redeno_cli_test compares it with redis-cli. */
import { assertEquals } from "@std/assert";
import { formatInvalidation, formatReply, type OutputMode } from "../../src/cli/reply_format.ts";
import { decodeReply } from "../../src/protocol/reply_reader.ts";
import { latin1 } from "../support/text.ts";

const LINES = { element: "\n", reply: "\n" };

function shown(mode: OutputMode, wire: string, delimiters = LINES): string {
  return formatReply(decodeReply(latin1(wire)), mode, delimiters);
}

const NESTED = "*11\r\n:1\r\n*2\r\n$1\r\na\r\n*1\r\n_\r\n" + ":0\r\n".repeat(9);

Deno.test("nested arrays are indented below their numbers", () => {
  assertEquals(
    shown("standard", NESTED).split("\n").slice(0, 4),
    [" 1) (integer) 1", ' 2) 1) "a"', "    2) 1) (nil)", " 3) (integer) 0"],
  );
});

Deno.test("maps show keys and values, values of several lines below them", () => {
  const map = "%2\r\n$1\r\na\r\n~1\r\n:1\r\n$1\r\nb\r\n*2\r\n:1\r\n%0\r\n";
  assertEquals(
    shown("standard", map),
    '1# "a" => 1~ (integer) 1\n2# "b" => \n   1) (integer) 1\n   2) (empty hash)\n',
  );
});

Deno.test("every kind has its form for people", () => {
  const forms: [string, string][] = [
    ["+OK\r\n", "OK\n"],
    ["-ERR x\r\n", "(error) ERR x\n"],
    ['$3\r\na"\xff\r\n', '"a\\"\\xff"\n'],
    [",1.5\r\n", "(double) 1.5\n"],
    ["#t\r\n", "(true)\n"],
    ["(123\r\n", "(big number) 123\n"],
    ["=7\r\ntxt:a\nb\r\n", "a\nb\n"],
    ["*-1\r\n", "(nil)\n"],
    ["*0\r\n", "(empty array)\n"],
    ["~0\r\n", "(empty set)\n"],
  ];
  for (const [wire, text] of forms) assertEquals(shown("standard", wire), text);
});

Deno.test("raw replies are bare, with the delimiters asked for", () => {
  assertEquals(shown("raw", "*2\r\n$1\r\na\r\n_\r\n", { element: "~", reply: "%" }), "a~%");
  assertEquals(shown("raw", "%1\r\n+k\r\n:1\r\n"), "k 1\n");
  assertEquals(shown("raw", "-ERR x\r\n"), "ERR x\n\n");
  assertEquals(shown("raw", "$2\r\n\0\xff\r\n"), "\0\xff\n");
});

Deno.test("CSV is flat, JSON keeps maps and escapes strings", () => {
  assertEquals(shown("csv", '%1\r\n+k\r\n*2\r\n$1\r\n"\r\n_\r\n'), '"k","\\"",NULL\n');
  assertEquals(shown("csv", "-ERR x\r\n"), 'ERROR,"ERR x"\n');
  assertEquals(
    shown("json", '%2\r\n:1\r\n#f\r\n$3\r\n\n\x01"\r\n_\r\n'),
    String.raw`{"1":false,"\n\u0001\"":null}` + "\n",
  );
  assertEquals(shown("quoted-json", "$2\r\n\n\xff\r\n"), String.raw`"\\n\\xff"` + "\n");
});

Deno.test("messages to a tracking client have a form of their own", () => {
  const push = (wire: string) => formatInvalidation(decodeReply(latin1(wire)));
  const keys = "*2\r\n$1\r\na\r\n$1\r\nb\r\n";
  assertEquals(push(`>2\r\n$10\r\ninvalidate\r\n${keys}`), "-> invalidate: 'a', 'b'\n");
  assertEquals(push(">2\r\n$10\r\ninvalidate\r\n_\r\n"), null);
  assertEquals(push(keys), null);
});
