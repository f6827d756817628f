/**
 * Lanes: tests run side by side, each lane one process of `deno test` at a time. Most tests wait
 * for servers most of their time, so two lanes keep two processors busy. Knows nothing of `deno`.
 */
import { shareOfPorts, testPorts } from "../tests/support/test_ports.ts";

/** What a lane runs in one go. */
export interface Job {
  readonly group: string;
  /** Files or directories. */
  readonly paths: readonly string[];
}

/**
 * Runs the jobs in their order, `count` at a time, and resolves when all are done. `run` is given
 * the environment of the lane (its ports). Rejects with what a job throws; then no other is begun.
 */
export async function runInLanes(
  jobs: readonly Job[],
  count: number,
  run: (job: Job, env: Record<string, string>) => Promise<void>,
): Promise<void> {
  const waiting = [...jobs];
  const ports = testPorts();
  const lane = async (_: unknown, index: number) => {
    const env = count === 1 ? {} : shareOfPorts(index, count, ports);
    try {
      for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) await run(job, env);
    } finally {
      waiting.length = 0;
    }
  };
  await Promise.all(Array.from({ length: count }, lane));
}

const RUNNING = /^running \d+ tests? from (?:\.\/)?(.+)$/;

/** How long each file takes, by the lines with which `deno test` begins it. */
export class FileTimes {
  readonly #seconds = new Map<string, number>();

  /** A reader of the lines of one run: call it with each, and the time; with null at the end. */
  reader(label: string): (line: string | null, nowMs: number) => void {
    let file: string | null = null;
    let beginMs = 0;
    return (line, nowMs) => {
      const next = line === null ? null : RUNNING.exec(line.trim())?.[1] ?? null;
      if (next === null && line !== null) return;
      if (file !== null) this.#seconds.set(file + label, (nowMs - beginMs) / 1000);
      file = next;
      beginMs = nowMs;
    };
  }

  /** The `count` slowest, one a line, slowest first. */
  slowest(count: number): string[] {
    return [...this.#seconds].toSorted(([, one], [, other]) => other - one).slice(0, count)
      .map(([file, seconds]) => `${seconds.toFixed(1).padStart(6)} s  ${file}`);
  }
}
