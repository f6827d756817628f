/**
 * Reads a whole dataset over the wire, key by key, in a form that does not depend on order, so that
 * two servers, or one server before and after a restart, can be compared.
 *
 * Unlike DEBUG DIGEST it needs no help from the server and names what differs.
 */

import * as clock from "../../src/base/clock.ts";
import type { RespClient } from "./resp_client.ts";
import { RespError } from "./resp_reply.ts";
import { fromLatin1, latin1, quoted } from "./text.ts";

export interface KeyDigest {
  type: string;
  encoding: string;
  /** Unix time in milliseconds, or -1 for none. */
  expiresAtMs: number;
  /** The whole content as a binary string, members of unordered types sorted. */
  content: string;
}

/** From "<db> <quoted key>" to what the key holds. */
export type DatasetDigest = Map<string, KeyDigest>;

const CONTENT_REQUESTS: Readonly<Record<string, (key: Uint8Array) => (string | Uint8Array)[]>> = {
  string: (key) => ["GET", key],
  list: (key) => ["LRANGE", key, "0", "-1"],
  set: (key) => ["SMEMBERS", key],
  hash: (key) => ["HGETALL", key],
  zset: (key) => ["ZRANGE", key, "0", "-1", "WITHSCORES"],
  stream: (key) => ["XRANGE", key, "-", "+"],
};

/**
 * Reads everything. The connection must speak RESP2; it is left in database 0. `scoresAsNumbers`:
 * scores are equal if they are as numbers, for servers of other versions write other digits.
 */
export async function readDataset(
  client: RespClient,
  scoresAsNumbers = false,
): Promise<DatasetDigest> {
  const digest: DatasetDigest = new Map();
  const keyspace = String(await client.expect("INFO", "keyspace"));
  const databases = [...keyspace.matchAll(/^db(\d+):/gm)].map((match) => Number(match[1]));
  for (const db of databases.sort((left, right) => left - right)) {
    await client.expect("SELECT", db);
    for (const key of await scanAllKeys(client)) {
      const found = await readKey(client, key, scoresAsNumbers);
      if (found !== null) digest.set(`${db} ${quoted(key)}`, found);
    }
  }
  await client.expect("SELECT", 0);
  return digest;
}

async function scanAllKeys(client: RespClient): Promise<Uint8Array[]> {
  const keys = new Map<string, Uint8Array>();
  let cursor: Uint8Array = latin1("0");
  do {
    const reply = await client.callBytes("SCAN", cursor, "COUNT", 1000);
    if (reply instanceof RespError) throw new Error(`Cannot scan: ${reply.message}`);
    const [next, batch] = reply as [Uint8Array, Uint8Array[]];
    // SCAN may return a key twice while its table grows.
    for (const key of batch) keys.set(fromLatin1(key), key);
    cursor = next;
  } while (fromLatin1(cursor) !== "0");
  return [...keys.values()];
}

/** Reads one key; null if it is not there, for example because it has just expired. */
export async function readKey(
  client: RespClient,
  key: Uint8Array,
  scoresAsNumbers = false,
): Promise<KeyDigest | null> {
  const [type, encoding, expiresAtMs] = await client.callMany([
    ["TYPE", key],
    ["OBJECT", "ENCODING", key],
    ["PEXPIRETIME", key],
  ]);
  if (type === "none" || encoding === null) return null;
  const expiry = expiresAtMs instanceof RespError ? await computedExpiry(client, key) : expiresAtMs;
  const request = CONTENT_REQUESTS[String(type)];
  if (request === undefined) throw new Error(`Cannot read type "${type}" of key ${quoted(key)}`);
  const reply = await client.callBytes(...request(key));
  if (reply === null) return null;
  if (reply instanceof RespError) throw new Error(`Cannot read ${quoted(key)}: ${reply.message}`);
  const groups = type === "stream" ? await readGroups(client, key) : null;
  return {
    type: String(type),
    encoding: String(encoding),
    expiresAtMs: Number(expiry),
    content: await contentOf(
      String(type),
      groups === null ? reply : [reply, groups],
      scoresAsNumbers,
    ),
  };
}

/** When a key expires, as far as servers before 7.0 tell: some milliseconds more or less. */
async function computedExpiry(client: RespClient, key: Uint8Array): Promise<number> {
  const restMs = Number(await client.expect("PTTL", key));
  return restMs < 0 ? restMs : clock.systemMs() + restMs;
}

/** What every file version knows of a stream's groups: not how many entries they have read. */
async function readGroups(client: RespClient, key: Uint8Array): Promise<unknown[]> {
  const GROUP_PARTS = 8;
  const groups = await client.callBytes("XINFO", "GROUPS", key);
  return (groups as unknown[][]).map((group) => group.slice(0, GROUP_PARTS));
}

function canonicalContent(type: string, reply: unknown, scoresAsNumbers: boolean): string {
  if (type === "string") return fromLatin1(reply as Uint8Array);
  if (type === "stream") return flatten(reply).join(",");
  const parts = (reply as Uint8Array[]).map((part) => quoted(part));
  if (type === "set") return parts.sort().join(",");
  if (type === "zset" && scoresAsNumbers) {
    return parts.map((part, i) => i % 2 === 0 ? part : scoreText(part)).join(",");
  }
  if (type !== "hash") return parts.join(",");
  const pairs: string[] = [];
  for (let i = 0; i < parts.length; i += 2) pairs.push(`${parts[i]}=${parts[i + 1]}`);
  return pairs.sort().join(",");
}

/**
 * A quoted score as a number, for servers write it with more digits or fewer. (A listpack has no
 * -0, a skiplist has; so the same set may have either.)
 */
function scoreText(score: string): string {
  const text = score.slice(1, -1);
  return /inf/.test(text) ? text : String(Number(text));
}

/** Very long contents are kept by their hash: a difference is still seen, only not where it is. */
async function contentOf(
  type: string,
  reply: unknown,
  scoresAsNumbers: boolean,
): Promise<string> {
  const CONTENT_BYTES_MAX = 1 << 20;
  const isLongString = type === "string" && (reply as Uint8Array).length > CONTENT_BYTES_MAX;
  const content = isLongString
    ? reply as Uint8Array
    : canonicalContent(type, reply, scoresAsNumbers);
  if (content.length <= CONTENT_BYTES_MAX) return content as string;
  const bytes = typeof content === "string" ? latin1(content) : content as Uint8Array<ArrayBuffer>;
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return `${content.length} bytes, SHA-256 ${hash.toHex()}`;
}

function flatten(value: unknown): string[] {
  if (Array.isArray(value)) return ["[", ...value.flatMap(flatten), "]"];
  return [value instanceof Uint8Array ? quoted(value) : String(value)];
}

export interface CompareOptions {
  /** Compare OBJECT ENCODING too (default true). */
  encodings?: boolean;
  /** How far expiry times may be apart; 0 unless given. */
  expiryToleranceMs?: number;
}

/** One line per difference, empty if the datasets are equal. */
export function datasetDifferences(
  left: DatasetDigest,
  right: DatasetDigest,
  options: CompareOptions = {},
): string[] {
  const differences: string[] = [];
  for (const [key, value] of left) {
    const other = right.get(key);
    if (other === undefined) differences.push(`${key}: only on the left (${value.type})`);
    else differences.push(...keyDifferences(key, value, other, options));
  }
  for (const [key, value] of right) {
    if (!left.has(key)) differences.push(`${key}: only on the right (${value.type})`);
  }
  return differences;
}

/** One line per difference between two keys. */
export function keyDifferences(
  key: string,
  left: KeyDigest,
  right: KeyDigest,
  options: CompareOptions,
): string[] {
  const differences: string[] = [];
  if (left.type !== right.type) differences.push(`${key}: type ${left.type} | ${right.type}`);
  if (options.encodings !== false && left.encoding !== right.encoding) {
    differences.push(`${key}: encoding ${left.encoding} | ${right.encoding}`);
  }
  const isExpiryNear = (left.expiresAtMs < 0) === (right.expiresAtMs < 0) &&
    Math.abs(left.expiresAtMs - right.expiresAtMs) <= (options.expiryToleranceMs ?? 0);
  if (!isExpiryNear) {
    differences.push(`${key}: expires at ${left.expiresAtMs} | ${right.expiresAtMs}`);
  }
  if (left.content !== right.content) {
    const at = firstDifference(left.content, right.content);
    const from = Math.max(0, at - 20);
    const excerpt = (text: string) => quoted(text.slice(from, at + 40));
    differences.push(
      `${key}: content at ${at}: ${excerpt(left.content)} | ${excerpt(right.content)}`,
    );
  }
  return differences;
}

function firstDifference(left: string, right: string): number {
  let at = 0;
  while (at < left.length && at < right.length && left[at] === right[at]) at++;
  return at;
}
