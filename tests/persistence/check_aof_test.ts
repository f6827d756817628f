/** What check-aof says of files and manifests, and what it cuts. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { checkAofMain } from "../../src/persistence/check_aof.ts";
import { SimulatedFiles } from "../support/simulated_files.ts";
import { fromLatin1, latin1 } from "../support/text.ts";

const PATH = "/data/appendonly.aof";
const MANIFEST = "/data/appendonly.aof.manifest";

function resp(...args: string[]): string {
  return `*${args.length}\r\n` + args.map((arg) => `$${arg.length}\r\n${arg}\r\n`).join("");
}

const SET = resp("SET", "key", "value");
const TRANSACTION = resp("MULTI") + resp("SET", "a", "1") + resp("INCR", "a") + resp("EXEC");

interface Outcome {
  code: number;
  output: string;
  content: string;
}

function run(
  contents: Record<string, string>,
  args: string[],
  answersYes = true,
  shown = PATH,
): Outcome {
  const files = new SimulatedFiles();
  for (const [path, text] of Object.entries(contents)) files.put(path, latin1(text));
  let output = "";
  const print = (text: string) => {
    output += text;
  };
  const code = checkAofMain(args, { files, print, confirm: () => answersYes });
  return { code, output, content: fromLatin1(files.content(shown)) };
}

Deno.test("check-aof finds a good file good", () => {
  const text = SET + "#TS:1700000000\r\n" + TRANSACTION;
  const { code, output } = run({ [PATH]: text }, [PATH]);
  assertEquals(code, 0, output);
  assertMatch(output, new RegExp(`size=${text.length}, ok_up_to=${text.length}, .*diff=0`));
  assertMatch(output, /AOF .*appendonly\.aof is valid\n$/);
});

Deno.test("check-aof says of a file cut anywhere how far it is good", () => {
  const text = SET + TRANSACTION + SET;
  const ends = [0, SET.length, SET.length + TRANSACTION.length, text.length];
  for (let length = 1; length <= text.length; length++) {
    const good = ends.findLast((end) => end <= length)!;
    const cut = text.slice(0, length);
    const { code, output } = run({ [PATH]: cut }, [PATH]);
    assertEquals(code, good === length ? 0 : 1, `cut at ${length}: ${output}`);
    assertMatch(output, new RegExp(`ok_up_to=${good},`));
    const fixed = run({ [PATH]: cut }, ["--fix", PATH]);
    assertEquals([fixed.code, fixed.content], [0, text.slice(0, good)]);
  }
});

Deno.test("check-aof --fix asks before it cuts, and never grows a file", () => {
  const text = SET + "garbage";
  const refused = run({ [PATH]: text }, ["--fix", PATH], false);
  assertEquals([refused.code, refused.content], [1, text]);
  assertMatch(refused.output, /Continue\? \[y\/N\]: Aborting\.\.\.\n$/);
  const fixed = run({ [PATH]: text }, ["--fix", PATH]);
  assertEquals([fixed.code, fixed.content], [0, SET]);
  assertMatch(fixed.output, /Successfully truncated AOF/);
});

Deno.test("check-aof --fix says that it cuts off whole commands, and keeps what it cuts", () => {
  const damaged = SET.replace("$3", "#3");
  const files = new SimulatedFiles();
  files.put(PATH, latin1(SET + damaged + SET));
  let output = "";
  const print = (text: string) => {
    output += text;
  };
  const code = checkAofMain(["--fix", PATH], { files, print, confirm: () => true });
  assertEquals([code, fromLatin1(files.content(PATH))], [0, SET]);
  assertMatch(output, new RegExp(`Whole commands, from offset ${2 * SET.length} on, are cut off`));
  const kept = `${PATH}.cut-at-${SET.length}`;
  assertEquals(fromLatin1(files.content(kept)), damaged + SET);
  assertMatch(output, new RegExp(`is kept in ${kept}\n`));
  assertEquals(
    /Whole commands/.test(run({ [PATH]: SET + damaged }, ["--fix", PATH]).output),
    false,
  );
});

Deno.test("check-aof refuses MULTI in MULTI and EXEC alone", () => {
  for (const text of [SET + resp("EXEC"), SET + resp("MULTI") + TRANSACTION]) {
    const { code, output } = run({ [PATH]: text }, [PATH]);
    assertEquals(code, 1);
    assertMatch(output, /Unexpected (MULTI|EXEC) in AOF/);
    assertMatch(output, new RegExp(`ok_up_to=${SET.length},`));
  }
});

Deno.test("check-aof --truncate-to-timestamp cuts in front of the first later time", () => {
  const early = "#TS:1000\r\n" + SET;
  const text = early + "#TS:2000\r\n" + TRANSACTION + "#TS:3000\r\n" + SET;
  const at = (seconds: string) => run({ [PATH]: text }, ["--truncate-to-timestamp", seconds, PATH]);
  assertEquals([at("1500").code, at("1500").content], [0, early]);
  assertEquals(at("2999").content, text.slice(0, -(SET.length + "#TS:3000\r\n".length)));
  assertEquals([at("3000").code, at("3000").content], [0, text]);
  assertEquals([at("999").code, at("999").content], [1, text]);
  assertMatch(at("999").output, /has nothing before timestamp 999/);
  assertEquals(at("soon").code, 1);
});

Deno.test("check-aof looks through all files of a manifest, and cuts the last alone", () => {
  const manifest = "file b.aof seq 1 type b\nfile i1.aof seq 1 type i\nfile i2.aof seq 2 type i\n";
  const good = {
    [MANIFEST]: manifest,
    "/data/b.aof": SET,
    "/data/i1.aof": TRANSACTION,
    "/data/i2.aof": "",
  };
  const { code, output } = run(good, [MANIFEST], true, MANIFEST);
  assertEquals(code, 0, output);
  assertMatch(output, /BASE AOF b\.aof is valid\n(.*\n)*INCR AOF i2\.aof is empty\nAll AOF files/);
  const last = { ...good, "/data/i2.aof": SET + "x" };
  assertEquals(run(last, [MANIFEST], true, MANIFEST).code, 1);
  assertEquals(run(last, ["--fix", MANIFEST], true, "/data/i2.aof").content, SET);
  const middle = { ...good, "/data/i1.aof": SET + "x", "/data/i2.aof": SET };
  const kept = run(middle, ["--fix", MANIFEST], true, "/data/i1.aof");
  assertEquals([kept.code, kept.content], [1, SET + "x"]);
  assertMatch(kept.output, /because it is not the last file/);
});

Deno.test("check-aof refuses a manifest with a wrong line, and missing files", () => {
  const wrong = run({ [MANIFEST]: "file b.aof seq 1\n" }, [MANIFEST], true, MANIFEST);
  assertEquals(wrong.code, 1);
  assertMatch(wrong.output, /FATAL AOF MANIFEST FILE ERROR/);
  const missing = { [MANIFEST]: "file b.aof seq 1 type b\n" };
  assertMatch(run(missing, [MANIFEST], true, MANIFEST).output, /Cannot open file .*b\.aof/);
  assert(run({ [PATH]: "" }, ["/data/none"]).output.includes("No such file or directory"));
  assertMatch(run({ [PATH]: "" }, []).output, /^Usage: /);
});
