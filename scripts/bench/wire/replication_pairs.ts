/**
 * Measures a master and its replica as a pair of the same kind, redis-server's and ours one after
 * the other: a full synchronization of a large data set while a client looks whether the master
 * still answers, and then a steady stream of writes, with the lag of the replica behind it.
 *
 *   deno run -A scripts/bench/wire/replication_pairs.ts [--megabytes N] [--seconds N] [--rounds N]
 *
 *   --megabytes  size of the data set that is synchronized (default 1000)
 *   --seconds    how long the stream of 100,000 SETs a second lasts (default 10)
 *   --rounds     pairs of each kind, alternating; the median counts (default 5)
 *   --smoke      tiny numbers: shows that everything runs, measures nothing
 *
 * Lag is the time from the master's OK for a write until a client of the replica reads it; the way
 * of the question there and back is in it. Prints a Markdown table.
 */
import { parseArgs } from "@std/cli";
import { cpuSeconds, residentBytes } from "../../../tests/support/process_stat.ts";
import { encodeRequests, type RespClient } from "../../../tests/support/resp_client.ts";
import type { ServerProcess } from "../../../tests/support/server_process.ts";
import { delay, until } from "../../../tests/support/text.ts";
import { alternate, BOTH, type Contestant, startContestant } from "../contestants.ts";
import { fillKeys, randomText } from "../loads.ts";
import { type Results, runBench, type Unit } from "../results.ts";
import { median, percentile } from "../spread.ts";
import { standingsTable } from "../standings.ts";

const VALUE_BYTES = 1000;
const MIB = 1024 * 1024;
const BATCH_MS = 10;
const BATCH_WRITES = 1000;
const LAG_PERIOD_MS = 20;
const PROBE_PERIOD_MS = 2;
const LOOK_MS = 20;

interface Scale {
  megabytes: number;
  seconds: number;
  rounds: number;
}

/** What was measured, by what it is called. */
type Figures = Record<string, number>;

/** Runs `act` again and again, with a pause between, until `stop` is called. */
class Repeated {
  #isOver = false;
  readonly #running: Promise<void>;

  constructor(periodMs: number, act: () => Promise<void>) {
    this.#running = this.#run(periodMs, act);
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }

  async #run(periodMs: number, act: () => Promise<void>): Promise<void> {
    while (!this.#isOver) {
      await act();
      await delay(periodMs);
    }
  }
}

async function synchronize(master: ServerProcess, replica: ServerProcess): Promise<Figures> {
  using prober = await master.connect();
  using client = await replica.connect();
  const servers = [master, replica];
  const cpuBefore = servers.map(({ pid }) => cpuSeconds(pid));
  const bytesBefore = residentBytes(master.pid);
  let longestMs = 0;
  let peakBytes = 0;
  const probing = new Repeated(PROBE_PERIOD_MS, async () => {
    const beginMs = performance.now();
    await prober.expect("PING");
    longestMs = Math.max(longestMs, performance.now() - beginMs);
    peakBytes = Math.max(peakBytes, residentBytes(master.pid));
  });
  const beginMs = performance.now();
  await client.expect("REPLICAOF", "127.0.0.1", String(master.port));
  await until("the replica follows", async () => {
    await delay(LOOK_MS);
    const reply = await client.call("INFO", "replication");
    return String(reply).includes("master_link_status:up");
  }, 300_000);
  const seconds = (performance.now() - beginMs) / 1000;
  await probing.stop();
  const [masterCpu, replicaCpu] = servers.map(({ pid }, at) => cpuSeconds(pid) - cpuBefore[at]);
  return {
    "full sync, s": seconds,
    "full sync, CPU s of the master": masterCpu,
    "full sync, CPU s of the replica": replicaCpu,
    "full sync, longest PING at the master, ms": longestMs,
    "full sync, MB more in the master": (peakBytes - bytesBefore) / MIB,
  };
}

/** Milliseconds from the master's answer to a write until the replica shows it. */
async function lagOnce(master: RespClient, replica: RespClient, mark: string): Promise<number> {
  await master.expect("SET", "mark", mark);
  const beginMs = performance.now();
  while (await replica.expect("GET", "mark") !== mark) {
    // Asked again at once.
  }
  return performance.now() - beginMs;
}

/** Sends pipelines at a steady pace and reads the answers; returns how many writes there were. */
async function writeSteadily(client: RespClient, seconds: number): Promise<number> {
  const value = "x".repeat(16);
  const requests = Array.from(
    { length: BATCH_WRITES },
    (_, index) => ["SET", `steady:${index % 997}`, value],
  );
  const bytes = encodeRequests(requests);
  const beginMs = performance.now();
  let batches = 0;
  for (; batches * BATCH_MS < seconds * 1000; batches++) {
    const early = beginMs + batches * BATCH_MS - performance.now();
    if (early > 0) await delay(early);
    await client.writeBytes(bytes);
    let left = BATCH_WRITES * "+OK\r\n".length;
    while (left > 0) left -= (await client.readBytes())!.length;
    if (left < 0) throw new Error("a write was refused");
  }
  return batches * BATCH_WRITES;
}

async function stream(
  master: ServerProcess,
  replica: ServerProcess,
  seconds: number,
): Promise<Figures> {
  using writer = await master.connect();
  using marker = await master.connect();
  using reader = await replica.connect();
  const servers = [master, replica];
  const cpuBefore = servers.map(({ pid }) => cpuSeconds(pid));
  const lagsMs: number[] = [];
  const marking = new Repeated(LAG_PERIOD_MS, async () => {
    lagsMs.push(await lagOnce(marker, reader, String(lagsMs.length)));
  });
  const beginMs = performance.now();
  const writes = await writeSteadily(writer, seconds);
  const rate = writes / (performance.now() - beginMs);
  await marking.stop();
  const [masterCpu, replicaCpu] = servers.map(({ pid }, at) => cpuSeconds(pid) - cpuBefore[at]);
  return {
    "stream, thousand writes a second": rate,
    "stream, lag, median, ms": median(lagsMs),
    "stream, lag, 99th of 100, ms": percentile(lagsMs, 99),
    "stream, longest lag, ms": Math.max(...lagsMs),
    "stream, CPU µs of the master per write": masterCpu * 1e6 / writes,
    "stream, CPU µs of the replica per write": replicaCpu * 1e6 / writes,
  };
}

async function measure(
  contestant: Contestant,
  { megabytes, seconds }: Scale,
): Promise<Figures> {
  const args = ["--repl-diskless-sync-delay", "0"];
  await using master = await startContestant(contestant, args);
  await using replica = await startContestant(contestant, args);
  using client = await master.connect();
  await fillKeys(client, megabytes * MIB / VALUE_BYTES, randomText(VALUE_BYTES));
  return {
    ...await synchronize(master, replica),
    ...await stream(master, replica, seconds),
  };
}

/** The unit of a figure, by the end of its name. */
function unitOf(name: string): Unit {
  if (name.endsWith(", ms")) return "ms";
  if (name.endsWith("per write")) return "µs";
  if (name.startsWith("full sync, MB")) return "MiB";
  return name.endsWith("a second") ? "/s" : "s";
}

/** Measures pairs of both kinds, one after the other. */
export async function replicationPairsTable(scale: Scale, results: Results): Promise<string> {
  const names = new Set<string>();
  await alternate(BOTH, scale.rounds, async (contestant) => {
    const load = `${scale.megabytes} MB, ${scale.seconds} s`;
    for (const [name, value] of Object.entries(await measure(contestant, scale))) {
      const what = `replication pair, ${name}`;
      names.add(what);
      results.add(what, contestant.name, unitOf(name), value, load);
    }
  });
  const rows = [...names].map((what) => ({ label: what, what }));
  return standingsTable(results, BOTH, "master and replica of one kind", rows);
}

if (import.meta.main) {
  const flags = parseArgs(Deno.args, {
    string: ["megabytes", "seconds", "rounds"],
    boolean: ["smoke"],
    default: { megabytes: "1000", seconds: "10", rounds: "5" },
  });
  const scale = flags.smoke ? { megabytes: 1, seconds: 0.2, rounds: 1 } : {
    megabytes: Number(flags.megabytes),
    seconds: Number(flags.seconds),
    rounds: Number(flags.rounds),
  };
  await runBench((results) => replicationPairsTable(scale, results));
}
