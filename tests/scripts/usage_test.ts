/** Usage of benches: what the head of a program says is its help, and tells its options. */
import { assertEquals } from "@std/assert";
import { headComment, unknownOption } from "../../scripts/bench/usage.ts";

const SOURCE = `/**
 * Measures something.
 *
 *   --rounds N   how often
 */
import "x";
/** Not this. */
`;

Deno.test("the comment at the head of a program is its help", () => {
  const help = headComment(SOURCE);
  assertEquals(help, "Measures something.\n\n  --rounds N   how often");
  assertEquals(headComment("import 'x';\n" + SOURCE), "");
  assertEquals(unknownOption(help, ["--rounds", "3"]), undefined);
  assertEquals(unknownOption(help, ["file", "--rounds=3", "-x"]), undefined);
  assertEquals(unknownOption(help, ["--round", "3"]), "--round");
  assertEquals(unknownOption(help, ["--rounds=3", "--roundsy=1"]), "--roundsy");
});

Deno.test("a bench tells its options, and refuses those that it does not have", async () => {
  const program = new URL("../../scripts/bench/compare.ts", import.meta.url).pathname;
  const run = (option: string) =>
    new Deno.Command(Deno.execPath(), { args: ["run", "-A", "--no-check", program, option] })
      .output();
  const decoder = new TextDecoder();
  const help = await run("--help");
  assertEquals([help.code, /--rounds N/.test(decoder.decode(help.stdout))], [0, true]);
  const wrong = await run("--runds=3");
  assertEquals([wrong.code, decoder.decode(wrong.stdout)], [1, ""]);
  assertEquals(/Unknown option --runds;/.test(decoder.decode(wrong.stderr)), true);
});
