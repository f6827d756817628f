/** Tests of reply_laws.ts: of a HELP the syntax counts, not the sentences; so with key specs. */
import { assert, assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import type { Reply } from "../../src/protocol/reply_reader.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { latin1, utf8 } from "../support/text.ts";
import { replyDifference } from "./reply_laws.ts";

const FRAME = ["OBJECT <subcommand>. Subcommands are:", "HELP", "    Prints this help."] as const;

function statuses(lines: readonly string[]): Reply {
  return { kind: "array", items: lines.map((text) => ({ kind: "status", bytes: utf8(text) })) };
}

function help(...lines: string[]): Reply {
  return statuses([FRAME[0], ...lines, FRAME[1], FRAME[2]]);
}

Deno.test("two HELPs differ by their syntax, by a missing description, by their frame", () => {
  const left = help("FREQ <key>", "    Return it.", "    Or so.", "LEN", "    Two.");
  const isSame = (right: Reply) => replyDifference("same", left, right) === null;
  assertEquals(
    isSame(help("FREQ <key>", "    Tells it.", "LEN", "    Other.", "      Yes.")),
    true,
  );
  assertEquals(isSame(help("FREQ <k>", "    Return it.", "LEN", "    Two.")), false);
  assertEquals(isSame(help("FREQ <key>", "LEN", "    Two.")), false);
  assertEquals(isSame(help("FREQ <key>", "    Return it.")), false);
  const otherEnd = [FRAME[0], "FREQ <key>", "    x", "LEN", "    x", "HELP", "    Shows this."];
  assertEquals(isSame(statuses(otherEnd)), false);
});

Deno.test("a HELP is one inside EXEC, too; other statuses count to the last letter", () => {
  const wrap = (item: Reply): Reply => ({ kind: "array", items: [item] });
  const [left, right] = [help("LEN", "    One."), help("LEN", "    Two.")];
  assertEquals(replyDifference("same", wrap(left), wrap(right)), null);
  const plain = (text: string) => statuses(["LEN", text]);
  assertEquals(replyDifference("same", plain("    One."), plain("    Two.")) === null, false);
});

Deno.test("of a key spec all but the note counts", () => {
  const bulk = (text: string): Reply => ({ kind: "bulk", bytes: utf8(text) });
  const spec = (...words: string[]): Reply => ({ kind: "array", items: words.map(bulk) });
  const rest = ["begin_search", "1", "find_keys", "2"];
  const left = spec("notes", "Why.", "flags", "RO", ...rest);
  assertEquals(replyDifference("same", left, spec("notes", "So.", "flags", "RO", ...rest)), null);
  const other = spec("notes", "Why.", "flags", "RW", ...rest);
  assertEquals(replyDifference("same", left, other) === null, false);
});

Deno.test("payloads of sets and of streams with groups are compared by type and length", () => {
  using server = new EmbeddedServer();
  const isSame = (left: Reply, right: Reply) => replyDifference("dump", left, right) === null;
  const bulk = (bytes: Uint8Array): Reply => ({ kind: "bulk", bytes });
  const payloadOf = (requests: readonly string[]): Uint8Array => {
    server.run("DEL", "k");
    for (const request of requests) server.run(...request.split(" "));
    const text = server.raw("DUMP", "k");
    return latin1(text.slice(text.indexOf("\n") + 1, -2));
  };
  const dumpOf = (requests: readonly string[]): Reply => bulk(payloadOf(requests));
  server.run("CONFIG", "SET", "rdbcompression", "no", "set-max-intset-entries", "0");
  // The same members in another order: the servers' hash tables have each their own.
  const set = payloadOf(["SADD k a b"]);
  const turned = set.slice();
  [turned[3], turned[5]] = [turned[5]!, turned[3]!];
  assert(isSame(bulk(set), bulk(turned)));
  assert(!isSame(bulk(set), dumpOf(["SADD k a b c"])));
  const plain = dumpOf(["XADD k 1-1 f v", "XADD k 1-2 f v"]);
  assert(isSame(plain, dumpOf(["XADD k 1-1 f v", "XADD k 1-2 f v"])));
  assert(!isSame(plain, dumpOf(["XADD k 1-1 f v", "XADD k 1-2 f w"])));
  const followed = ["XADD k 1-1 f v", "XGROUP CREATE k g 0"];
  assert(!isSame(plain, dumpOf(followed)));
  const read = "XREADGROUP GROUP g c STREAMS k >";
  try {
    clock.setTimeForTests(1_700_000_000_000);
    const early = dumpOf([...followed, read]);
    clock.setTimeForTests(1_700_000_000_700);
    const late = dumpOf([...followed, read]);
    assert(!isSame(early, dumpOf(followed)));
    assert(replyDifference("same", early, late) !== null);
    assert(isSame(early, late));
  } finally {
    clock.useRealTime();
  }
});
