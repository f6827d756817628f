/** Tests of reply_laws.ts: of a HELP the syntax counts, not the sentences; so with key specs. */
import { assertEquals } from "@std/assert";
import type { Reply } from "../../src/protocol/reply_reader.ts";
import { utf8 } from "../support/text.ts";
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
