/**
 * Tests of scripts/completions.ts: the words are those of the help text and the table; the scripts
 * are run by the shells that are here.
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { completions, completionWords } from "../../scripts/completions.ts";
import { HELP_TEXT } from "../../src/config/command_line.ts";
import { configTable } from "../../src/config/config_table.ts";
import { runTool, testWith } from "../support/tool_availability.ts";

function optionNames(): string[] {
  return completionWords().options.map(({ name }) => name);
}

Deno.test("every option and word of the help text is completed", () => {
  const { tools } = completionWords();
  const known = new Set([...optionNames(), ...tools.keys(), ...[...tools.values()].flat()]);
  const usage = HELP_TEXT.slice(0, HELP_TEXT.indexOf("\n\n")).replaceAll(/ {2,}\(.*$/gm, "");
  const words = usage.match(/(?<=redeno )[a-z][a-z-]*|(?<![\w-])--?[a-z][\w-]*/g)!;
  for (const word of words) assert(known.has(word) || word === "--directive", word);
  assertEquals(tools.get("check-aof"), ["--fix"]);
});

Deno.test("every directive is an option, with its values if they are a fixed set", () => {
  const names = new Set(optionNames());
  for (const { name } of configTable) assert(names.has(`--${name}`), name);
  const values = new Map(completionWords().options.map((option) => [option.name, option.values]));
  assertEquals(values.get("--appendonly"), ["yes", "no"]);
  assertEquals(values.get("--appendfsync"), ["everysec", "always", "no"]);
  assertEquals(values.get("--maxmemory"), []);
});

/** Runs a test with the files of completions, if the shell is here. */
function testShell(
  shell: "bash" | "fish" | "zsh",
  name: string,
  body: (directory: string) => Promise<void>,
): void {
  testWith([shell], name, async () => {
    const directory = await Deno.makeTempDir({ prefix: "redeno_test_" });
    try {
      for (const [file, text] of completions()) {
        Deno.writeTextFileSync(join(directory, file), text);
      }
      await body(directory);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  });
}

/** What bash offers for the last of these words. */
async function bashOffers(directory: string, ...words: string[]): Promise<string[]> {
  const script = `source redeno.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
    _redeno; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const args = ["-c", script, "bash", "redeno", ...words];
  const { stdout } = await runTool("bash", args, { cwd: directory });
  return stdout.split("\n").filter((line) => line !== "");
}

testShell("bash", "bash completes options, values, words and files", async (directory) => {
  Deno.writeTextFileSync(join(directory, "my.conf"), "");
  assertEquals(await bashOffers(directory, "--appendf"), ["--appendfilename", "--appendfsync"]);
  assertEquals(await bashOffers(directory, "--appendfsync", ""), ["everysec", "always", "no"]);
  assertEquals(await bashOffers(directory, "check-"), ["check-rdb", "check-aof"]);
  assertEquals(await bashOffers(directory, "check-aof", "--"), ["--fix"]);
  assertEquals(await bashOffers(directory, "my"), ["my.conf"]);
});

testShell("zsh", "zsh accepts its completions", async (directory) => {
  await runTool("zsh", ["-n", "_redeno"], { cwd: directory });
});

testShell("fish", "fish completes options, values and words", async (directory) => {
  const offers = async (line: string) => {
    const script = `source redeno.fish; complete -C '${line}'`;
    const args = ["--no-config", "-c", script];
    const { stdout } = await runTool("fish", args, { cwd: directory });
    return stdout.trim().split("\n").map((each) => each.split("\t")[0]);
  };
  assertEquals(await offers("redeno --appendfs"), ["--appendfsync"]);
  assertEquals((await offers("redeno --appendfsync ")).toSorted(), ["always", "everysec", "no"]);
  assertEquals((await offers("redeno check-aof --")).includes("--fix"), true);
});
