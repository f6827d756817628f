/**
 * A disk that fails: every file call of a run in turn fails with some errno, once or for a while,
 * with a short write or without; or the disk is full for a while. The server must live on (or end
 * itself, with `always`), heal once the disk is well, and keep what it promised.
 *
 * REDENO_CRASH=full makes the long campaign; REDENO_CRASH_SEED=n begins with another seed.
 */
import { assert, assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { ALL_ERRNOS } from "../support/simulated_files.ts";
import { printLine } from "../support/text.ts";
import { Checker } from "./crash_check.ts";
import { CrashRun, type Policy, type Setting } from "./crash_run.ts";
import { type Step, workload } from "./crash_workload.ts";

const IS_FULL = Deno.env.get("REDENO_CRASH") === "full";
const FIRST_SEED = Number(Deno.env.get("REDENO_CRASH_SEED") ?? 1);
/** Longer than the pause after rewrites that have failed while writers are refused. */
const HEALING_STEP_MS = 62_000;
const HEALING_STEPS = 4;

interface Fault {
  firstCall: number;
  /** How many calls fail, from the first on. */
  callCount: number;
  isDiskFull: boolean;
  seed: number;
}

/** Time passes, cron runs, children work: by then everything is well again. */
function healingSteps(): Step[] {
  const quiet: Step = {
    units: [[["SET", "healing", "1"]]],
    advanceMs: HEALING_STEP_MS,
    runsCron: true,
    runsChild: true,
    completesSyncs: true,
  };
  const soon = { ...quiet, advanceMs: 300 };
  return Array.from({ length: HEALING_STEPS }, () => [quiet, soon, soon]).flat();
}

function inject(run: CrashRun, fault: Fault): void {
  const random = new SeededRandom(fault.seed);
  const lastCall = fault.firstCall + fault.callCount;
  run.files.shortWriteBytes = random.oneIn(2) ? 0 : random.below(40);
  run.files.failure = (_name, _path, call) => {
    const isFailing = call >= fault.firstCall && call < lastCall;
    if (fault.isDiskFull) {
      if (call === fault.firstCall) run.files.capacityBytes = random.below(3000);
      if (!isFailing) run.files.capacityBytes = Infinity;
      return null;
    }
    return isFailing ? random.pick(ALL_ERRNOS) : null;
  };
}

/** Makes a run with a fault, and checks it. Returns how many calls the run made. */
async function runWithFault(
  policy: Policy,
  togglesAof: boolean,
  seed: number,
  fault: Fault | null,
): Promise<{ calls: number; ended: boolean; refused: number }> {
  const random = new SeededRandom(seed);
  const savePoints = random.oneIn(2) || policy === "off";
  const setting: Setting = { policy, preamble: true, timestamps: false, savePoints };
  const steps = workload(random, { stepCount: 25, togglesAof, rewrites: policy !== "off" });
  const run = new CrashRun(setting);
  try {
    if (fault !== null) inject(run, fault);
    await run.run(steps, healingSteps());
    const checker = new Checker(setting, run.states);
    const end = run.points.at(-1)!;
    await checker.check(end, "killed", seed, 0);
    const { aof } = run.server.server.persistence;
    if (!run.hasEnded) {
      assertEquals(aof.diskError, null, "the AOF has healed");
      assertEquals(run.server.run("SET", "after", "all"), "OK");
    }
    for (const fate of ["dropped", "torn", "garbled"] as const) {
      await checker.check(end, fate, seed, 0);
    }
    return { calls: run.files.callCount, ended: run.hasEnded, refused: run.refusedCount };
  } catch (error) {
    const lines = run.log.lines.slice(-40).join("\n");
    const what = `${policy}, seed ${seed}, ${JSON.stringify(fault)}`;
    throw new Error(`${what}: ${(error as Error).message}\n${lines}`, { cause: error });
  } finally {
    await run.close();
    clock.useRealTime();
  }
}

function randomFault(firstCall: number, seed: number): Fault {
  const random = new SeededRandom(seed * 1000 + firstCall);
  const callCount = random.oneIn(2) ? 1 : random.between(2, 40);
  return { firstCall, callCount, isDiskFull: random.oneIn(4), seed: random.next() };
}

const VARIANTS: readonly [policy: Policy, togglesAof: boolean][] = [
  ["always", false],
  ["everysec", false],
  ["everysec", true],
  ["no", false],
  ["off", false],
];

for (const [policy, togglesAof] of VARIANTS) {
  const name = togglesAof ? `${policy}, switched on and off` : policy;
  Deno.test(`fault at every call: appendfsync ${name}`, async () => {
    const stride = IS_FULL || policy === "off" ? 1 : 4;
    const seedCount = IS_FULL ? 12 : 1;
    let faults = 0;
    let ended = 0;
    let refused = 0;
    for (let seed = FIRST_SEED; seed < FIRST_SEED + seedCount; seed++) {
      const { calls } = await runWithFault(policy, togglesAof, seed, null);
      for (let call = seed % stride; call < calls; call += stride) {
        const outcome = await runWithFault(policy, togglesAof, seed, randomFault(call, seed));
        faults++;
        if (outcome.ended) ended++;
        refused += outcome.refused;
      }
    }
    assert(faults > 5, `only ${faults} faults`);
    printLine(`${name}: ${faults} faults, ${ended} ended the server, ${refused} units refused`);
  });
}
