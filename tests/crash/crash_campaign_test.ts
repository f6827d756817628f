/**
 * The crash campaign: seeded runs on simulated files, a crash at every file call of each, and what
 * must hold after it. A few runs here; REDENO_CRASH=full makes the long campaign (minutes), and
 * REDENO_CRASH_SEED=n begins with another seed.
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import type { FileHandle } from "../../src/persistence/file_system.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { SimulatedFiles } from "../support/simulated_files.ts";
import { printLine } from "../support/text.ts";
import { Checker, CrashPointError, type Fate } from "./crash_check.ts";
import { CrashRun, type Policy, type Setting } from "./crash_run.ts";
import { workload } from "./crash_workload.ts";

const IS_FULL = Deno.env.get("REDENO_CRASH") === "full";
const FIRST_SEED = Number(Deno.env.get("REDENO_CRASH_SEED") ?? 1);
const LOSSES: readonly Fate[] = ["dropped", "torn", "zeroed", "garbled"];
/** Runs with different seeds. */
const SEEDS = Number(Deno.env.get("REDENO_CRASH_SEEDS") ?? (IS_FULL ? 12 : 1));
/** One crash point in so many is crashed again within its restart. */
const DEEP_EVERY = IS_FULL ? 5 : 11;

interface Tally {
  points: number;
  restarts: number;
  repairs: number;
}

/** The fates of a crash point: a kill, and one power loss after the other. */
function fatesOf(index: number): Fate[] {
  return ["killed", LOSSES[index % LOSSES.length]];
}

function settingOf(policy: Policy, random: SeededRandom): Setting {
  return {
    policy,
    preamble: !random.oneIn(3),
    timestamps: random.oneIn(3),
    savePoints: policy === "off" || random.oneIn(2),
  };
}

async function checkPoints(run: CrashRun, setting: Setting, seed: number): Promise<Tally> {
  const checker = new Checker(setting, run.states);
  let points = 0;
  for (const [index, point] of run.points.entries()) {
    for (const fate of fatesOf(index)) {
      points++;
      await checker.check(point, fate, seed + index, index % DEEP_EVERY === 0 ? 1 : 0);
    }
  }
  const { restarts, pointsInRestart, repairs } = checker.outcome;
  return { points: points + pointsInRestart, restarts, repairs };
}

/** One seed: a run, and a crash at each of its calls. */
async function campaign(policy: Policy, togglesAof: boolean, seed: number): Promise<Tally> {
  const random = new SeededRandom(seed);
  const setting = settingOf(policy, random);
  const stepCount = (IS_FULL ? 60 : 30) * (policy === "off" ? 3 : 1);
  const steps = workload(random, { stepCount, togglesAof, rewrites: policy !== "off" });
  const run = new CrashRun(setting);
  try {
    run.record();
    await run.run(steps);
    assertEquals(run.hasEnded, false);
    return await checkPoints(run, setting, seed);
  } catch (error) {
    const detail = `${JSON.stringify(setting)}\n${run.log.lines.slice(-30).join("\n")}`;
    throw new Error(`seed ${seed}, ${policy}: ${(error as Error).message}\n${detail}`, {
      cause: error,
    });
  } finally {
    await run.close();
    clock.useRealTime();
  }
}

const VARIANTS: readonly [name: string, policy: Policy, togglesAof: boolean][] = [
  ["always loses nothing that was acknowledged", "always", false],
  ["always, switched on and off, loses nothing that was acknowledged", "always", true],
  ["everysec loses at most what two seconds hold", "everysec", false],
  ["everysec, switched on and off, loses at most what two seconds hold", "everysec", true],
  ["appendfsync no leaves the state of some moment", "no", false],
  ["RDB alone leaves the snapshot that was saved last, or a later one", "off", false],
];

for (const [name, policy, togglesAof] of VARIANTS) {
  Deno.test({
    name: `crash at every call: ${name}`,
    async fn() {
      const total: Tally = { points: 0, restarts: 0, repairs: 0 };
      for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
        const { points, restarts, repairs } = await campaign(policy, togglesAof, seed);
        total.points += points;
        total.restarts += restarts;
        total.repairs += repairs;
      }
      assert(total.points > 50, `only ${total.points} crash points`);
      const seeds = `seeds ${FIRST_SEED} to ${FIRST_SEED + SEEDS - 1}`;
      printLine(
        `${name}: ${seeds}, ${total.points} crash points, ${total.restarts} restarts, ` +
          `${total.repairs} after a repair by check-aof`,
      );
    },
  });
}

/** A disk on which our syncs of directories, or of files, do nothing. */
class ForgetfulFiles extends SimulatedFiles {
  constructor(readonly forgotten: "syncDirectory" | "sync") {
    super();
  }

  override syncDirectory(path: string): void {
    if (this.forgotten !== "syncDirectory") super.syncDirectory(path);
  }

  override openForAppend(path: string): FileHandle {
    const file = super.openForAppend(path);
    if (this.forgotten === "sync") file.sync = () => {};
    return file;
  }
}

for (const forgotten of ["syncDirectory", "sync"] as const) {
  Deno.test(`canary: the campaign notices when ${forgotten} is missing`, async () => {
    const setting: Setting = {
      policy: "always",
      preamble: true,
      timestamps: false,
      savePoints: false,
    };
    const random = new SeededRandom(FIRST_SEED);
    const run = new CrashRun(setting, new ForgetfulFiles(forgotten));
    run.record();
    await run.run(workload(random, { stepCount: 10, togglesAof: false, rewrites: true }));
    try {
      await assertRejects(() => checkPoints(run, setting, FIRST_SEED), CrashPointError);
    } finally {
      await run.close();
      clock.useRealTime();
    }
  });
}
