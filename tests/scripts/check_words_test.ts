/** Tests of scripts/check_words.ts: which texts of replies and of the manual are looked at. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { helpTexts, keptLines, proseTexts } from "../../scripts/check_words.ts";
import { ROOT } from "../../scripts/source_text.ts";

Deno.test("prose is taken out of COMMAND and COMMAND DOCS, however deep", () => {
  const specs = ["get", 2, [["notes", "Because.", "flags", ["RO"]]]];
  const documentation = ["summary", "Does it.", "since", "1.0.0", "history", [["2.0.0", "New."]]];
  const container = ["config", ["group", "server", "subcommands", ["config|get", documentation]]];
  assertEquals(proseTexts([specs]).map(({ text }) => text), ["Because."]);
  assertEquals(proseTexts(container), [
    { place: "config subcommands config|get summary", text: "Does it." },
    { place: "config subcommands config|get history 2.0.0", text: "New." },
  ]);
});

Deno.test("of a HELP the describing lines are taken, alone and together, without its frame", () => {
  const lines = [
    "CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "TRACKING (ON|OFF) [BCAST]",
    "         [NOLOOP]",
    "    One",
    "    and two.",
    "ID",
    "    Three.",
    "HELP",
    "    Prints this help.",
  ];
  assertEquals(helpTexts(lines), [
    { place: "[NOLOOP]", text: "    One" },
    { place: "[NOLOOP]", text: "    and two." },
    { place: "[NOLOOP]", text: "    One\n    and two." },
    { place: "ID", text: "    Three." },
  ]);
});

Deno.test("the kept lines are those of one table of the manual", () => {
  const table = "| part | when |\n| --- | --- |\n| `One line` | now |\n| `two` | then |\n";
  const text = `| \`before\` | x |\n\n### Lines that are Redis's own\n\nText.\n\n${table}`;
  assertEquals(keptLines(`${text}\n## Stop\n\n| \`after\` | x |\n`), ["One line", "two"]);
  assertEquals(keptLines(text), ["One line", "two"]);
  const manual = Deno.readTextFileSync(join(ROOT, "docs", "operations.md"));
  assert(keptLines(manual).includes("Ready to accept connections"));
});
