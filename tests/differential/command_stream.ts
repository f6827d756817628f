/**
 * A seeded random stream of requests for several clients, run against both servers, and the
 * search for the shortest part of it that still shows a difference.
 *
 * Client 0 speaks RESP2, client 1 RESP3. Inside MULTI only requests with exact replies are
 * queued, so that EXEC can be compared byte for byte.
 */

import { decodeReply } from "../../src/protocol/reply_reader.ts";
import type { Argument } from "../support/resp_client.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { equalBytes, latin1 } from "../support/text.ts";
import {
  assertAgreement,
  type Both,
  type BothClients,
  DifferenceError,
  showRequest,
} from "./both.ts";
import { COMMAND_SHAPES, type CommandShape } from "./command_shapes.ts";
import type { Law } from "./reply_laws.ts";
import { requestsOfShape } from "./shape_grammar.ts";
import { spoil } from "./request_values.ts";

export interface Step {
  client: number;
  law: Law;
  args: Argument[];
}

const CLIENT_COUNT = 2;
/** A client keeps sending for about so many requests before the other one has its turn. */
const TURN_LENGTH = 12;
const PIPELINE_LENGTH_MAX = 64;
/**
 * What each run starts with. Without the expiry cycle a key whose time is over stays until a
 * command meets it, at both servers alike.
 */
const PREPARATION: readonly string[][] = [
  ["DEBUG", "SET-ACTIVE-EXPIRE", "0"],
  ["FLUSHALL"],
  ["CONFIG", "SET", "hash-max-listpack-entries", "128", "hash-max-listpack-value", "64"],
  ["CONFIG", "SET", "zset-max-listpack-entries", "128", "zset-max-listpack-value", "64"],
  ["CONFIG", "SET", "set-max-intset-entries", "512", "list-max-listpack-size", "-2"],
  ["CONFIG", "SET", "list-compress-depth", "0", "hll-sparse-max-bytes", "3000"],
  ["CONFIG", "SET", "stream-node-max-entries", "100", "stream-node-max-bytes", "4096"],
];
/** Shapes that may stand as a request inside of another, as COMMAND GETKEYS takes it. */
const PLAIN_SHAPES = COMMAND_SHAPES.filter(({ shape }) => !/<request>| ; /.test(shape));
/**
 * SORT of redis-server 7.0.15 looks at an errno that may stem from any command before, and then
 * takes good numbers for bad ones. This request, which changes nothing, sets errno to 0.
 */
const ERRNO_RESET = ["ZUNION", "1", "none", "WEIGHTS", "1.5"];
const QUEUED = latin1("+QUEUED\r\n");
/** How far the expiry of a key may differ: the servers see a request some milliseconds apart. */
const EXPIRY_TOLERANCE_MS = 2000;

/** The steps of a seed: always the same for the same shapes. */
export function stepsOfSeed(seed: number, shapes: readonly CommandShape[], count: number): Step[] {
  const random = new SeededRandom(seed);
  const weighted = shapes.flatMap((shape) => Array<CommandShape>(shape.weight).fill(shape));
  const exact = weighted.filter((shape) => shape.law === "same");
  const isQueuing = Array<boolean>(CLIENT_COUNT).fill(false);
  const steps: Step[] = [];
  let client = 0;
  while (steps.length < count) {
    if (random.oneIn(TURN_LENGTH)) client = random.below(CLIENT_COUNT);
    const shape = random.pick(isQueuing[client] ? exact : weighted);
    const text = shape.shape.replace("<request>", () => random.pick(PLAIN_SHAPES).shape);
    for (let args of requestsOfShape(text, random)) {
      if (shape.isSpoilable && random.oneIn(25)) args = spoil(args, random);
      const name = String(args[0]).toUpperCase();
      if (name === "MULTI" && args.length === 1) isQueuing[client] = true;
      else if (/^(EXEC|DISCARD|RESET)$/.test(name) && args.length === 1) isQueuing[client] = false;
      if (name.startsWith("SORT")) steps.push({ client, law: "same", args: ERRNO_RESET });
      steps.push({ client, law: shape.law, args });
    }
  }
  return steps;
}

/** Runs steps on emptied servers. Returns where and how they differ first, or null. */
export async function runSteps(
  both: Both,
  steps: readonly Step[],
): Promise<{ index: number; message: string } | null> {
  for (const request of PREPARATION) await both.same(...request);
  const clients: BothClients[] = [await both.secondClient(2), await both.secondClient(3)];
  const comparison = new ReplyComparison();
  let index = 0;
  let end = 0;
  try {
    for (; index < steps.length;) {
      end = pipelineEnd(steps, index);
      const requests = steps.slice(index, end).map((step) => step.args);
      const replies = await clients[steps[index].client].exchangeMany(requests);
      for (const [expected, actual] of replies) {
        comparison.check(steps[index], expected, actual);
        index++;
      }
    }
    await both.sameDataset(EXPIRY_TOLERANCE_MS);
    return null;
  } catch (error) {
    if (error instanceof DifferenceError) return { index, message: error.message };
    // A connection that one server has closed is a difference too.
    return { index: end - 1, message: `connection lost: ${(error as Error).message}` };
  } finally {
    for (const client of clients) client[Symbol.dispose]();
  }
}

/** Where the requests end that one client sends without waiting for the replies. */
function pipelineEnd(steps: readonly Step[], start: number): number {
  let end = start + 1;
  const client = steps[start].client;
  const limit = Math.min(steps.length, start + PIPELINE_LENGTH_MAX);
  while (end < limit && steps[end].client === client) end++;
  return end;
}

/** Compares replies step by step and knows which EXECs hold replies without an order. */
class ReplyComparison {
  // Shrinking may remove the EXEC between a MULTI and a request whose reply has no order.
  readonly #hasUnorderedQueued = Array<boolean>(CLIENT_COUNT).fill(false);

  check({ client, law, args }: Step, expected: Uint8Array, actual: Uint8Array): void {
    const isExec = this.#hasUnorderedQueued[client] && /^exec$/i.test(String(args[0]));
    if (!equalBytes(expected, actual)) {
      const lawHere = isExec ? "shape" : law;
      assertAgreement(lawHere, args, decodeReply(expected), decodeReply(actual));
    }
    const isQueued = equalBytes(expected, QUEUED);
    if (!isQueued && isExec) this.#hasUnorderedQueued[client] = false;
    else if (isQueued && law !== "same") this.#hasUnorderedQueued[client] = true;
  }
}

/**
 * Removes steps as long as a difference remains, larger pieces first.
 * Stops after `attemptsMax` runs: a shorter script is good, a quick answer better.
 */
export async function shrinkSteps(
  both: Both,
  failing: readonly Step[],
  attemptsMax = 400,
): Promise<Step[]> {
  let steps = [...failing];
  let attempts = 0;
  for (let size = steps.length >> 1; size >= 1 && attempts < attemptsMax;) {
    let isShorter = false;
    for (let start = 0; start < steps.length && attempts < attemptsMax;) {
      const shorter = [...steps.slice(0, start), ...steps.slice(start + size)];
      attempts++;
      const outcome = await runSteps(both, shorter);
      if (outcome === null) start += size;
      else {
        steps = shorter.slice(0, outcome.index + 1);
        isShorter = true;
      }
    }
    if (!isShorter || size > steps.length) size >>= 1;
  }
  return steps;
}

/** Steps as a script one can type: the client's number before each request. */
export function showSteps(steps: readonly Step[]): string {
  return steps.map(({ client, args }) => `  ${client}> ${showRequest(args)}`).join("\n");
}
