/**
 * Extreme numbers in all commands: our server, which runs in this process, must live, and answer as
 * redis-server does where there is one to ask.
 *
 *   deno run -A tests/differential/number_fuzz.ts [--minutes N] [--seed S] [--only C] [--alone]
 *
 *   --minutes   how long (default 1); at least one round, in which each number is tried once at
 *               each place, with a random value behind the key
 *   --seed      where to start; each round counts it up by one
 *   --only      one command, as COMMAND LIST names it
 *   --alone     without redis-server
 */
import { parseArgs } from "@std/cli";
import { INT64_MIN } from "../../src/base/integers.ts";
import { decodeReply, type Reply } from "../../src/protocol/reply_reader.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { startRedis } from "../support/redis_process.ts";
import { type Argument, encodeRequests, RespClient } from "../support/resp_client.ts";
import { freshSeed, SeededRandom } from "../support/seeded_random.ts";
import { fromLatin1, latin1, printLine } from "../support/text.ts";
import { showRequest } from "./both.ts";
import { SCRIPTING, SECOND_MACHINE, UNSHAPED_COMMANDS } from "./command_shapes.ts";
import {
  EXTREME_NUMBERS,
  fill,
  KEY_STATES,
  type NumberTemplate,
  numberTemplates,
} from "./number_requests.ts";
import { type Law, replyDifference } from "./reply_laws.ts";

/** Strings stay short, so that no request of a long one takes half a gigabyte. */
export const DIRECTIVES = [["proto-max-bulk-len", "1mb"]] as const;
const BATCH_CASES = 200;
/** More differences are of no help. */
const DIFFERENCES_MAX = 20;

/** How replies are compared, if not byte for byte; "errors": only errors are. */
const LAWS: Readonly<Record<string, Law | "errors" | "none">> = {
  srandmember: "shape",
  hrandfield: "shape",
  zrandmember: "shape",
  spop: "shape",
  "acl|genpass": "shape",
  "memory|usage": "shape",
  scan: "errors",
  sscan: "errors",
  hscan: "errors",
  zscan: "errors",
  lolwut: "errors",
  "slowlog|get": "errors",
  "debug|htstats": "errors",
  "debug|object": "errors",
  "acl|log": "errors",
  // Ids of clients, and scripts, which one of the two servers has.
  "client|kill": "none",
  "client|list": "none",
  "client|unblock": "none",
  "client|tracking": "none",
  hello: "none",
  eval: "none",
  eval_ro: "none",
  evalsha: "none",
  evalsha_ro: "none",
  fcall: "none",
  fcall_ro: "none",
};
/** Requests after a command that undo what others would notice. */
const UNDOING: Readonly<Record<string, readonly string[]>> = {
  select: ["SELECT", "0"],
  swapdb: ["FLUSHALL"],
  move: ["FLUSHALL"],
  copy: ["FLUSHALL"],
  hello: ["HELLO", "2"],
  "client|pause": ["CLIENT", "UNPAUSE"],
  "client|tracking": ["CLIENT", "TRACKING", "OFF"],
  "debug|set-active-expire": ["DEBUG", "SET-ACTIVE-EXPIRE", "1"],
};
/** What gives a key an expiry or an age, and the questions that show it. */
const TIMED = /expire|restore|ex$|^set$/;
const PROBES: readonly Argument[][] = [
  ["PTTL", "k"],
  ["TTL", "k"],
  ["PEXPIRETIME", "k"],
  ["EXPIRETIME", "k"],
  ["OBJECT", "IDLETIME", "k"],
];
/** How far times of both servers may lie apart: they see a batch one after the other. */
const TIME_TOLERANCE = 60_000;
const ENDLESS_COUNT = 1n << 20n;
const DRAWING = ["srandmember", "hrandfield", "zrandmember"];
/** As redis-server of the stream fuzzer: SORT looks at an errno that others have left. */
const ERRNO_RESET = ["ZUNION", "1", "none", "WEIGHTS", "1.5"];

interface NumberCase {
  template: NumberTemplate;
  state: string;
  args: Argument[];
  requests: Argument[][];
  /** Index in `requests` from which on replies are compared. */
  comparedFrom: number;
  comparedEnd: number;
}

function makeCase(
  template: NumberTemplate,
  number: string,
  state: string,
  random: SeededRandom,
  payload: Uint8Array,
): NumberCase {
  const args = fill(template, number, random);
  if (template.command === "restore") args[3] = payload;
  const requests: Argument[][] = [["DEL", "k", "k2", "k3"]];
  for (const key of ["k", "k2"]) requests.push(...KEY_STATES[state](key));
  if (template.command.startsWith("sort")) requests.push(ERRNO_RESET);
  const comparedFrom = requests.length;
  // In a transaction nothing blocks.
  const mayBlock = /^(b(l|r|z)(m?pop|move)|xread)/.test(template.command);
  if (mayBlock) requests.push(["MULTI"], args, ["EXEC"]);
  else requests.push(args);
  const isTimed = TIMED.test(template.command);
  // One of the servers may see a key that is gone at the other.
  const isFleeting = isTimed && Number(number) > 0 && Number(number) < TIME_TOLERANCE;
  if (isTimed && !isFleeting) requests.push(...PROBES);
  if (!(template.command in LAWS) && !isFleeting) {
    requests.push(["DEBUG", "DIGEST-VALUE", "k", "k2", "k3"]);
  }
  const comparedEnd = requests.length;
  const undoing = UNDOING[template.command];
  if (undoing !== undefined) requests.push([...undoing]);
  return { template, state, args, requests, comparedFrom, comparedEnd };
}

/** Redis would answer until its memory is full; here the count is refused. */
function isEndless({ template, args }: NumberCase): boolean {
  if (!DRAWING.includes(template.command)) return false;
  const text = typeof args[2] === "string" ? args[2] : fromLatin1(args[2] as Uint8Array);
  if (!/^-\d{1,30}$/.test(text)) return false;
  const count = BigInt(text);
  return count < -ENDLESS_COUNT && count > INT64_MIN;
}

/** A server of ours in this process: an assertion is thrown into the face of the caller. */
class OurServer implements Disposable {
  readonly #server = new EmbeddedServer([...DIRECTIVES, ["enable-debug-command", "yes"]]);
  #client = this.#server.connect();

  run(args: Argument[]): Reply {
    if (this.#client.isClosed) this.#client = this.#server.connect();
    this.#client.send(...args);
    const bytes = this.#client.takeBytes();
    if (bytes.length === 0) return { kind: "error", bytes: latin1("(no reply)") };
    return decodeReply(bytes);
  }

  [Symbol.dispose](): void {
    this.#server[Symbol.dispose]();
  }
}

export interface NumberFuzzOptions {
  seed: number;
  redis: RespClient | null;
  /** When (performance.now) no further round is begun. */
  deadlineMs?: number;
  only?: string | undefined;
}

/** What redis-server would ask other machines for, what it does not have, and scripts. */
function isOutOfReach(command: string): boolean {
  return Object.entries(UNSHAPED_COMMANDS).some(([reason, names]) => {
    return /^is of (Redis|Valkey) /.test(reason) || [SECOND_MACHINE, SCRIPTING].includes(reason)
      ? names.split(" ").includes(command)
      : false;
  });
}

/** One round after the other. Returns what went wrong: empty if nothing did. */
export async function fuzzNumbers(
  { seed, redis, deadlineMs = 0, only }: NumberFuzzOptions,
  log: (line: string) => void,
): Promise<string[]> {
  const templates = numberTemplates().filter(({ command }) => {
    if (redis !== null && isOutOfReach(command)) return false;
    return only === undefined || command === only;
  });
  const differences: string[] = [];
  let count = 0;
  using ours = new OurServer();
  // No small integer: all keys of redis-server with such a one share its access clock.
  ours.run(["SET", "payload", "a text"]);
  const dumped = ours.run(["DUMP", "payload"]);
  const payload = dumped.kind === "bulk" ? dumped.bytes.slice() : new Uint8Array();
  do {
    const random = new SeededRandom(seed++);
    const cases = templates.flatMap((template) =>
      EXTREME_NUMBERS.map((number) =>
        makeCase(template, number, random.pick(Object.keys(KEY_STATES)), random, payload)
      )
    );
    for (let first = 0; first < cases.length; first += BATCH_CASES) {
      const batch = cases.slice(first, first + BATCH_CASES);
      differences.push(...await runBatch(ours, redis, batch));
      if (differences.length >= DIFFERENCES_MAX) return differences;
    }
    count += cases.length;
  } while (performance.now() < deadlineMs);
  const judge = redis === null ? "alone" : "beside redis-server";
  log(`${count} requests with extreme numbers, ${judge}, ${templates.length} places`);
  return differences;
}

async function runBatch(
  ours: OurServer,
  redis: RespClient | null,
  batch: readonly NumberCase[],
): Promise<string[]> {
  const asked = batch.filter((one) => !isEndless(one));
  const requests = asked.flatMap((one) => one.requests);
  const expected = redis === null
    ? null
    : await redis.exchangeBytes(encodeRequests(requests), requests.length);
  const differences: string[] = [];
  let at = 0;
  for (const one of batch) {
    const replies = one.requests.map((args) => runOurs(ours, one, args));
    if (isEndless(one)) continue;
    for (let index = one.comparedFrom; expected !== null && index < one.comparedEnd; index++) {
      const reply = decodeReply(expected[at + index]);
      const isProbe = PROBES.includes(one.requests[index]);
      const law = isProbe ? { near: TIME_TOLERANCE } : LAWS[one.template.command] ?? "same";
      const difference = differenceOf(law, reply, replies[index]);
      if (difference !== null) {
        differences.push(`${one.state}: ${showRequest(one.args)}\n  redis | ours: ${difference}`);
        break;
      }
    }
    at += one.requests.length;
  }
  return differences;
}

function runOurs(ours: OurServer, { state, args }: NumberCase, request: Argument[]): Reply {
  try {
    return ours.run(request);
  } catch (error) {
    throw new Error(`${state}: ${showRequest(args)} ends the server`, { cause: error });
  }
}

function differenceOf(law: Law | "errors" | "none", left: Reply, right: Reply): string | null {
  if (law === "none") return null;
  if (law === "errors" && left.kind !== "error" && right.kind !== "error") return null;
  return replyDifference(law === "errors" ? "same" : law, left, right);
}

/** redis-server with the directives of the fuzz, and a connection to it. */
export async function startJudge(): Promise<AsyncDisposable & { client: RespClient }> {
  const args = DIRECTIVES.flatMap(([name, value]) => [`--${name}`, value]);
  // Should it be asked for something endless all the same.
  args.push("--client-output-buffer-limit", "normal 64mb 0 0");
  const server = await startRedis({ args });
  const client = await server.connect();
  return {
    client,
    async [Symbol.asyncDispose]() {
      client.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

if (import.meta.main) {
  const args = parseArgs(Deno.args, { string: ["minutes", "seed", "only"], boolean: ["alone"] });
  const seed = args.seed === undefined ? freshSeed() : Number(args.seed);
  const deadlineMs = performance.now() + Number(args.minutes ?? 1) * 60_000;
  printLine(`seed ${seed}`);
  await using judge = args.alone ? null : await startJudge();
  const options = { seed, deadlineMs, only: args.only, redis: judge?.client ?? null };
  const differences = await fuzzNumbers(options, printLine);
  for (const difference of differences) printLine(difference);
  Deno.exitCode = differences.length > 0 ? 1 : 0;
}
