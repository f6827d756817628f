/**
 * Scripted cases as text, so that hundreds of calls can be read at a glance:
 *
 *   # SET keeps the expiry with KEEPTTL        a new case; both servers are emptied
 *   SET k v EX 1000                            replies equal byte for byte
 *   ~ SMEMBERS s                               equal as multisets
 *   ~~ HGETALL h                               equal as multisets of pairs
 *   ? SRANDMEMBER s 2                          equal in shape
 *   +-2000 PTTL k                              integers at most 2000 apart
 *   b> SET k v                                 by the second client (may stand before a mark)
 *
 * Arguments are separated by spaces; double quotes and \xHH \n \r \t \\ \" as in redis-cli. Each
 * case ends with a comparison of the datasets.
 */

import type { Argument } from "../support/resp_client.ts";
import { latin1 } from "../support/text.ts";
import { Both, type BothClients, DifferenceError } from "./both.ts";
import type { Law } from "./reply_laws.ts";

interface ScriptLine {
  number: number;
  isSecondClient: boolean;
  law: Law;
  args: Argument[];
}

export interface ScriptCase {
  name: string;
  lines: ScriptLine[];
}

const EXPIRY_TOLERANCE_MS = 2000;
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };

/** Splits a script into its cases. */
export function parseScript(text: string): ScriptCase[] {
  const cases: ScriptCase[] = [];
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "") continue;
    if (line.startsWith("# ")) cases.push({ name: line.slice(2), lines: [] });
    else cases.at(-1)!.lines.push(parseLine(line, index + 1));
  }
  return cases;
}

function parseLine(line: string, number: number): ScriptLine {
  const match = /^(b> )?(?:(~~|~|\?|\+-\d+) )?(.*)$/s.exec(line)!;
  const mark = match[2] ?? "";
  const laws: Readonly<Record<string, Law>> = {
    "": "same",
    "~": "sorted",
    "~~": "sortedPairs",
    "?": "shape",
  };
  const law = laws[mark] ?? { near: Number(mark.slice(2)) };
  return { number, isSecondClient: match[1] !== undefined, law, args: splitArguments(match[3]) };
}

/** The arguments of a line, as redis-cli splits them. */
export function splitArguments(text: string): Argument[] {
  const words = text.match(/"(?:[^"\\]|\\.)*"|\S+/g) ?? [];
  return words.map((word) => {
    if (!word.startsWith('"')) return word;
    const plain = word.slice(1, -1).replace(/\\(?:x([0-9a-f]{2})|(.))/gi, (_, hex, escaped) => {
      return hex === undefined
        ? ESCAPES[escaped] ?? escaped
        : String.fromCharCode(parseInt(hex, 16));
    });
    return latin1(plain);
  });
}

/** Runs one case with fresh clients. Throws a DifferenceError that names the line. */
export async function runCase(both: Both, scriptCase: ScriptCase, protocol: 2 | 3): Promise<void> {
  await both.same("FLUSHALL");
  using first: BothClients = await both.secondClient(protocol);
  using second: BothClients = await both.secondClient(protocol);
  for (const { number, isSecondClient, law, args } of scriptCase.lines) {
    try {
      await (isSecondClient ? second : first).compare(law, ...args);
    } catch (error) {
      const message = (error as Error).message;
      throw new DifferenceError(`${scriptCase.name}, line ${number}: ${message}`);
    }
  }
  await both.sameDataset(EXPIRY_TOLERANCE_MS);
}
