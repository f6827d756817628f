/**
 * Command shapes: a line of text that says how a command can look, and random requests made from
 * it.
 *
 *   SET <str> <value> [EX <seconds>|KEEPTTL] [NX|XX]      [ ] none or one of the alternatives
 *   LINSERT <list> (BEFORE|AFTER) <value> <value>          ( ) exactly one
 *   HSET <hash> {<field> <value>}                          { } one to four times
 *   ZINTERSTORE <zset> #{<zset>} …                         #{ } as { }, preceded by the count
 *   PEXPIRE <key> 5 ; DEBUG SLEEP 0.007                    ;   requests that follow each other
 *
 * Words in angle brackets are generators of `request_values.ts`.
 */

import type { Argument } from "../support/resp_client.ts";
import type { SeededRandom } from "../support/seeded_random.ts";
import { valueOf } from "./request_values.ts";

type Node =
  | { kind: "word" | "value"; text: string }
  | { kind: "optional" | "choice"; alternatives: Node[][] }
  | { kind: "repeat" | "counted"; body: Node[] };

const TOKEN = /#\{|[[\](){}|]|<[^>]+>|[^\s[\](){}|<]+/g;
const parsed = new Map<string, Node[]>();

/** The random requests of a shape: one, unless the shape says more. */
export function requestsOfShape(shape: string, random: SeededRandom): Argument[][] {
  return shape.split(" ; ").map((part) => requestOfShape(part, random));
}

function requestOfShape(shape: string, random: SeededRandom): Argument[] {
  let nodes = parsed.get(shape);
  if (nodes === undefined) parsed.set(shape, nodes = parseShape(shape));
  const args: Argument[] = [];
  expandAll(nodes, random, args);
  return args;
}

function parseShape(shape: string): Node[] {
  const tokens = shape.match(TOKEN) ?? [];
  const cursor = { index: 0 };
  const nodes = parseSequence(tokens, cursor);
  if (cursor.index < tokens.length) throw new SyntaxError(`Cannot parse shape: "${shape}"`);
  return nodes;
}

function parseSequence(tokens: readonly string[], cursor: { index: number }): Node[] {
  const nodes: Node[] = [];
  while (cursor.index < tokens.length && !"|])}".includes(tokens[cursor.index])) {
    const token = tokens[cursor.index++];
    if (token === "[") nodes.push({ kind: "optional", alternatives: parseGroup(tokens, cursor) });
    else if (token === "(") {
      nodes.push({ kind: "choice", alternatives: parseGroup(tokens, cursor) });
    } else if (token === "{") nodes.push({ kind: "repeat", body: parseGroup(tokens, cursor)[0] });
    else if (token === "#{") nodes.push({ kind: "counted", body: parseGroup(tokens, cursor)[0] });
    else if (token.startsWith("<")) nodes.push({ kind: "value", text: token.slice(1, -1) });
    else nodes.push({ kind: "word", text: token });
  }
  return nodes;
}

function parseGroup(tokens: readonly string[], cursor: { index: number }): Node[][] {
  const alternatives = [parseSequence(tokens, cursor)];
  while (tokens[cursor.index] === "|") {
    cursor.index++;
    alternatives.push(parseSequence(tokens, cursor));
  }
  cursor.index++;
  return alternatives;
}

function expandAll(nodes: readonly Node[], random: SeededRandom, args: Argument[]): void {
  for (const node of nodes) expand(node, random, args);
}

function expand(node: Node, random: SeededRandom, args: Argument[]): void {
  switch (node.kind) {
    case "word":
      args.push(random.oneIn(12) ? node.text.toLowerCase() : node.text);
      break;
    case "value":
      args.push(valueOf(node.text, random));
      break;
    case "optional":
      if (random.oneIn(2)) expandAll(random.pick(node.alternatives), random, args);
      break;
    case "choice":
      expandAll(random.pick(node.alternatives), random, args);
      break;
    default: {
      // Now and then many, to cross the limits of the small encodings.
      const count = random.oneIn(60) ? random.between(100, 200) : random.between(1, 4);
      if (node.kind === "counted") args.push(count);
      for (let i = 0; i < count; i++) expandAll(node.body, random, args);
    }
  }
}
