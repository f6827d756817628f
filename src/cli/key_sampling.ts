/**
 * Walks over all keys of the database with SCAN: `--scan` prints their names, `--bigkeys` and
 * `--memkeys` look for the largest of each type, `--hotkeys` for those used most. The words are
 * those of redis-cli 7.0.15 when it writes to a file.
 *
 * Keys that come and go during the walk may or may not be seen, as SCAN has it.
 */
import { latin1Text } from "../base/bytes.ts";
import { quoteBytes } from "../base/quoting.ts";
import type { Reply } from "../protocol/reply_reader.ts";
import type { CliConnection, Word } from "./cli_connection.ts";
import type { CliOptions } from "./cli_options.ts";
import { CliExit, type CliOutput } from "./cli_output.ts";
import { formatFixed, formatPercent } from "./number_format.ts";

const HOT_KEYS = 16;
/** How often the walk tells that it goes on, in keys. */
const PROGRESS_KEYS = 1_000_000;
/** `-i` is slept once in so many steps. */
const STEPS_PER_SLEEP = 100;

export interface Sampling {
  readonly connection: CliConnection;
  readonly output: CliOutput;
  readonly options: CliOptions;
  /** Is standard output for people? */
  readonly isQuoted: boolean;
  /** The walk ends early, with its summary, once this is so. */
  readonly isCancelled: () => boolean;
}

function textOf(bytes: Uint8Array): string {
  return latin1Text(bytes, 0, bytes.length);
}

function quoted(bytes: Uint8Array): string {
  return quoteBytes(bytes, 0, bytes.length);
}

function fail(output: CliOutput, message: string): never {
  output.printError(`${message}\n`);
  throw new CliExit(1);
}

async function integerReply(sampling: Sampling, ...words: Word[]): Promise<number> {
  const reply = await sampling.connection.call(...words);
  if (reply.kind === "integer") return Number(reply.text);
  const reason = reply.kind === "error" ? textOf(reply.bytes) : "no number";
  return fail(sampling.output, `Couldn't determine ${words.join(" ")}: ${reason}`);
}

/** One step of SCAN: the keys, copied, and the next cursor. */
async function scanStep(
  { connection, options, output }: Sampling,
  cursor: string,
): Promise<{ keys: Uint8Array[]; cursor: string }> {
  const words: Word[] = ["SCAN", cursor];
  if (options.pattern !== null) words.push("MATCH", options.pattern);
  words.push("COUNT", String(options.scanCount));
  const reply = await connection.call(...words);
  if (reply.kind === "error") fail(output, `SCAN error: ${textOf(reply.bytes)}`);
  if (reply.kind !== "array") fail(output, "Non ARRAY response from SCAN!");
  const [next, keys] = reply.items;
  if (next?.kind !== "bulk" || keys?.kind !== "array") {
    return fail(output, "Invalid element count from SCAN!");
  }
  const names = keys.items.flatMap((key) => key.kind === "bulk" ? [key.bytes.slice()] : []);
  return { keys: names, cursor: textOf(next.bytes) };
}

/** Calls `visit` with the keys of each step; `sleepSteps` is how many steps `-i` covers. */
async function walk(
  sampling: Sampling,
  sleepSteps: number,
  visit: (keys: readonly Uint8Array[]) => Promise<void> | void,
): Promise<void> {
  const { intervalMs } = sampling.options;
  let cursor = "0";
  let steps = 0;
  do {
    const step = await scanStep(sampling, cursor);
    cursor = step.cursor;
    await visit(step.keys);
    steps++;
    if (intervalMs > 0 && steps % sleepSteps === 0) {
      await new Promise((resolve) => setTimeout(resolve, intervalMs));
    }
  } while (cursor !== "0" && !sampling.isCancelled());
}

/** `--scan` */
export async function scanKeys(sampling: Sampling): Promise<void> {
  const show = sampling.isQuoted ? quoted : textOf;
  await walk(sampling, 1, (keys) => {
    if (keys.length === 0) return;
    sampling.output.print(`${keys.map(show).join("\n")}\n`);
  });
}

interface TypeTotals {
  readonly name: string;
  /** The command that tells a key's size, null if there is none. */
  readonly command: string | null;
  readonly unit: string;
  biggest: number;
  /** Quoted; null as long as none is larger than nothing. */
  biggestKey: string | null;
  count: number;
  size: number;
}

function totals(name: string, command: string | null, unit: string): TypeTotals {
  return { name, command, unit, biggest: 0, biggestKey: null, count: 0, size: 0 };
}

/** In the order in which redis-cli, whose table is a hash table, sums them up. */
function newTypes(): Map<string, TypeTotals> {
  return new Map([
    totals("list", "LLEN", "items"),
    totals("hash", "HLEN", "fields"),
    totals("string", "STRLEN", "bytes"),
    totals("stream", "XLEN", "entries"),
    totals("set", "SCARD", "members"),
    totals("zset", "ZCARD", "members"),
  ].map((type) => [type.name, type]));
}

/** What a walk for large keys has seen. */
class SizeSurvey {
  readonly types = newTypes();
  sampled = 0;
  nameBytes = 0;
  percent = 0;

  constructor(readonly sampling: Sampling, readonly isMemory: boolean) {}

  unitOf(type: TypeTotals): string {
    return this.isMemory ? "bytes" : type.unit;
  }

  add(key: Uint8Array, type: TypeTotals, size: number): void {
    const { output } = this.sampling;
    type.size += size;
    type.count++;
    this.nameBytes += key.length;
    this.sampled++;
    const progress = `[${formatPercent(this.percent)}]`;
    if (size > type.biggest) {
      type.biggest = size;
      type.biggestKey = quoted(key);
      const name = type.name.padEnd(6);
      output.print(
        `${progress} Biggest ${name} found so far '${type.biggestKey}' with ${size} ${
          this.unitOf(type)
        }\n`,
      );
    }
    if (this.sampled % PROGRESS_KEYS === 0) {
      output.print(`${progress} Sampled ${this.sampled} keys so far\n`);
    }
  }

  async typesOf(keys: readonly Uint8Array[]): Promise<(TypeTotals | null)[]> {
    const found: (TypeTotals | null)[] = [];
    await this.sampling.connection.callMany(keys.map((key) => ["TYPE", key]), (reply) => {
      if (reply.kind !== "status") {
        const reason = reply.kind === "error" ? textOf(reply.bytes) : "no type";
        fail(this.sampling.output, `TYPE returned an error: ${reason}`);
      }
      const name = textOf(reply.bytes);
      // The key has gone in the meantime.
      if (name === "none") return found.push(null);
      let type = this.types.get(name);
      if (type === undefined) this.types.set(name, type = totals(name, null, "?"));
      return found.push(type);
    });
    return found;
  }

  sizeRequest(key: Uint8Array, type: TypeTotals): Word[] | null {
    const { memorySamples } = this.sampling.options;
    if (!this.isMemory) return type.command === null ? null : [type.command, key];
    const samples = memorySamples === null ? [] : ["SAMPLES", String(memorySamples)];
    return ["MEMORY", "USAGE", key, ...samples];
  }

  /** Looks at the keys of one step. */
  async visit(keys: readonly Uint8Array[]): Promise<void> {
    const types = await this.typesOf(keys);
    const sizes = new Array<number>(keys.length).fill(0);
    const requests: Word[][] = [];
    const positions: number[] = [];
    for (const [i, key] of keys.entries()) {
      const request = types[i] === null ? null : this.sizeRequest(key, types[i]!);
      if (request === null) continue;
      requests.push(request);
      positions.push(i);
    }
    await this.sampling.connection.callMany(requests, (reply: Reply, index) => {
      if (reply.kind === "integer") sizes[positions[index]!] = Number(reply.text);
      else {
        const command = this.isMemory ? "MEMORY USAGE" : String(requests[index]![0]);
        const key = textOf(keys[positions[index]!]!);
        this.sampling.output.printError(
          `Warning:  ${command} on '${key}' failed (may have changed type)\n`,
        );
      }
    });
    for (const [i, key] of keys.entries()) {
      if (types[i] !== null) this.add(key, types[i]!, sizes[i]!);
    }
  }

  summary(isCancelled: boolean): string {
    const average = this.nameBytes === 0 ? 0 : this.nameBytes / this.sampled;
    const lines = ["", "-------- summary -------", ""];
    const progress = isCancelled ? `[${formatPercent(this.percent)}] ` : "";
    lines.push(`${progress}Sampled ${this.sampled} keys in the keyspace!`);
    lines.push(
      `Total key length in bytes is ${this.nameBytes} (avg len ${formatFixed(average)})`,
      "",
    );
    for (const type of this.types.values()) {
      if (type.biggestKey === null) continue;
      const name = type.name.padStart(6);
      const size = `${type.biggest} ${this.unitOf(type)}`;
      lines.push(`Biggest ${name} found '${type.biggestKey}' has ${size}`);
    }
    lines.push("");
    for (const type of this.types.values()) {
      const share = this.sampled === 0 ? 0 : 100 * type.count / this.sampled;
      const size = type.count === 0 ? 0 : type.size / type.count;
      lines.push(
        `${type.count} ${type.name}s with ${type.size} ${this.unitOf(type)} ` +
          `(${formatPercent(share)} of keys, avg size ${formatFixed(size)})`,
      );
    }
    return `${lines.join("\n")}\n`;
  }
}

function headline(wanted: string): string {
  return `\n# Scanning the entire keyspace to find ${wanted} keys as well as\n` +
    "# average sizes per key type.  You can use -i 0.1 to sleep 0.1 sec\n" +
    "# per 100 SCAN commands (not usually needed).\n\n";
}

/** `--bigkeys` (elements), `--memkeys` (bytes of memory) */
export async function findLargeKeys(sampling: Sampling, isMemory: boolean): Promise<void> {
  const keyCount = await integerReply(sampling, "DBSIZE");
  sampling.output.print(headline("biggest"));
  const survey = new SizeSurvey(sampling, isMemory);
  await walk(sampling, STEPS_PER_SLEEP, async (keys) => {
    survey.percent = keyCount === 0 ? 0 : 100 * survey.sampled / keyCount;
    await survey.visit(keys);
  });
  sampling.output.print(survey.summary(sampling.isCancelled()));
}

interface HotKey {
  counter: number;
  name: string;
}

/**
 * Keeps the hottest keys, coldest first. A key enters in front of those that are as hot as it is,
 * and pushes the coldest out once the list is full. Returns false if the key is too cold.
 */
function addHotKey(hottest: HotKey[], name: string, counter: number): boolean {
  const isFull = hottest.length === HOT_KEYS;
  let place = 0;
  while (place < hottest.length && counter > hottest[place]!.counter) place++;
  if (counter === 0 || (isFull && place === 0)) return false;
  hottest.splice(place, 0, { counter, name });
  if (isFull) hottest.shift();
  return true;
}

/** `--hotkeys`: needs an LFU policy on the server, which says so if it has none. */
export async function findHotKeys(sampling: Sampling): Promise<void> {
  const { connection, output } = sampling;
  const keyCount = await integerReply(sampling, "DBSIZE");
  output.print(headline("hot"));
  const hottest: HotKey[] = [];
  let sampled = 0;
  let percent = 0;
  await walk(sampling, STEPS_PER_SLEEP, async (keys) => {
    percent = keyCount === 0 ? 0 : 100 * sampled / keyCount;
    const counters: number[] = [];
    await connection.callMany(keys.map((key) => ["OBJECT", "FREQ", key]), (reply, index) => {
      if (reply.kind === "error") fail(output, `Error: ${textOf(reply.bytes)}`);
      if (reply.kind !== "integer") {
        const name = quoted(keys[index]!);
        output.printError(`Warning: OBJECT freq on '${name}' failed (may have been deleted)\n`);
      }
      counters.push(reply.kind === "integer" ? Number(reply.text) : 0);
    });
    for (const [i, key] of keys.entries()) {
      sampled++;
      const name = quoted(key);
      if (sampled % PROGRESS_KEYS === 0) {
        output.print(`[${formatPercent(percent)}] Sampled ${sampled} keys so far\n`);
      }
      if (!addHotKey(hottest, name, counters[i]!)) continue;
      const found = `found so far with counter ${counters[i]}`;
      output.print(`[${formatPercent(percent)}] Hot key '${name}' ${found}\n`);
    }
  });
  output.print("\n-------- summary -------\n\n");
  if (sampling.isCancelled()) output.print(`[${formatPercent(percent)}] `);
  output.print(`Sampled ${sampled} keys in the keyspace!\n`);
  for (const { counter, name } of hottest.toReversed()) {
    output.print(`hot key found with counter: ${counter}\tkeyname: ${name}\n`);
  }
}
