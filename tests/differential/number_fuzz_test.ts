/** Short runs of the fuzz of numbers, and that it would notice what it looks for. */
import { assert, assertEquals } from "@std/assert";
import { printLine } from "../support/text.ts";
import { testWith } from "../support/tool_availability.ts";
import { changeableParameters, tryConfigNumbers } from "./number_config.ts";
import { fuzzNumbers, startJudge } from "./number_fuzz.ts";
import { numberTemplates } from "./number_requests.ts";

const SEED = Number(Deno.env.get("REDENO_FUZZ_SEED") ?? 53);

Deno.test("no number in any command ends the server", async () => {
  printLine(`seed ${SEED}`);
  await fuzzNumbers({ seed: SEED, redis: null }, printLine);
});

testWith(["redis-server"], "extreme numbers are answered as by redis-server", async () => {
  printLine(`seed ${SEED}`);
  await using judge = await startJudge();
  assertEquals(await fuzzNumbers({ seed: SEED, redis: judge.client }, printLine), []);
});

testWith(["redis-server"], "canary: a difference is noticed", async () => {
  await using judge = await startJudge();
  await judge.client.expect("CONFIG", "SET", "proto-max-bulk-len", "2mb");
  const differences = await fuzzNumbers(
    { seed: SEED, redis: judge.client, only: "setbit" },
    () => {},
  );
  assert(differences.some((text) => text.includes("8388608")), differences.join("\n"));
});

Deno.test("no number that CONFIG SET takes ends the server", () => {
  assert(tryConfigNumbers(changeableParameters()) > 100);
});

Deno.test("the number of every documented argument is a place to try", () => {
  const commands = new Set(numberTemplates().map(({ command }) => command));
  for (const name of ["setrange", "lpos", "bitfield", "zadd", "client|pause", "zrange", "geoadd"]) {
    assert(commands.has(name), name);
  }
  for (const { words, holes } of numberTemplates()) {
    for (const hole of holes) assert(hole < words.length, words.join(" "));
  }
  const [incrby] = numberTemplates().filter(({ command }) => command === "incrby");
  assertEquals(incrby, { command: "incrby", words: ["INCRBY", "k", "1"], holes: [2] });
});
