/** Tests of scripts/build.ts: what `deno compile` is asked for, and the checksums beside it. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { checksumLine, compileArguments, executableName, TARGETS } from "../../scripts/build.ts";

const ROOT = new URL("../../", import.meta.url);

Deno.test("the executable gets the permissions and flags of the start task, and the worker", () => {
  const { tasks } = JSON.parse(Deno.readTextFileSync(new URL("deno.json", ROOT)));
  const flags = tasks.start.command.split(" ").filter((word: string) => word.startsWith("--"));
  const args = compileArguments("aarch64-apple-darwin", "out");
  for (const flag of flags) assert(args.includes(flag), flag);
  assertEquals(args[args.indexOf("--include") + 1], "child_worker.ts");
  assertEquals(args[args.indexOf("--target") + 1], "aarch64-apple-darwin");
  assertEquals(args.slice(-3), ["--output", "out", "main.js"]);
  assertEquals(compileArguments(null, "out").includes("--target"), false);
});

Deno.test("a sandboxed executable gets those of the start without native code", () => {
  const { tasks } = JSON.parse(Deno.readTextFileSync(new URL("deno.json", ROOT)));
  const flags = tasks["start:sandboxed"].command.split(" ").filter((word: string) =>
    word.startsWith("--")
  );
  const args = compileArguments(null, "out", true);
  for (const flag of flags) assert(args.includes(flag), flag);
  const isFfi = (word: string) => word.includes("ffi");
  assertEquals([args.some(isFfi), flags.some(isFfi)], [false, false]);
});

Deno.test("the executable keeps no cache of code where others can write", () => {
  assert(compileArguments(null, "out").includes("--no-code-cache"));
});

Deno.test("a line of checksums is what sha256sum prints", async () => {
  const directory = await Deno.makeTempDir({ prefix: "redeno_test_" });
  try {
    const path = join(directory, "redeno-x");
    await Deno.writeTextFile(path, "abc");
    const digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assertEquals(await checksumLine(path), `${digest}  redeno-x\n`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("the release tries every executable on a system it is for", () => {
  const path = new URL(".github/workflows/release.yml", ROOT);
  const workflow = Deno.readTextFileSync(path);
  for (const target of TARGETS) assertStringIncludes(workflow, `file: ${executableName(target)} }`);
});
