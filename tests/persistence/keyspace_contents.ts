/**
 * What a server in this process holds, in a form that can be compared; its data as an RDB file in
 * memory and back: the tools of the tests of RDB files.
 */
import {
  type DatabaseRoots,
  type RdbOptions,
  RdbWriter,
} from "../../src/persistence/rdb_writer.ts";
import { ArraySource } from "../../src/persistence/rdb_input.ts";
import { RdbReader } from "../../src/persistence/rdb_reader.ts";
import { Slice } from "../../src/base/bytes.ts";
import type { Memory } from "../../src/memory/memory.ts";
import { encodingLimits } from "../../src/durability/value_limits.ts";
import * as dict from "../../src/structures/dict.ts";
import * as dictEntry from "../../src/structures/dict_entry.ts";
import type { EmbeddedClient, EmbeddedServer } from "../support/embedded_server.ts";
import type { Plain } from "../support/resp_reply.ts";
import { fromLatin1 } from "../support/text.ts";

/** Options of a file as Redis writes it by default. */
export function rdbOptions(changes: Partial<RdbOptions> = {}): RdbOptions {
  return {
    version: 10,
    redisVersion: "7.0.15",
    compresses: true,
    hasChecksum: true,
    access: "none",
    lfuDecayTime: 1,
    isAofBase: false,
    nowMs: 1_700_000_000_000,
    usedMemoryBytes: 1_000_000,
    functionLibraries: [],
    keyDelayUs: 0,
    ...changes,
  };
}

/** Collects what is written. */
export class CollectingSink {
  #pieces: Uint8Array[] = [];

  write(bytes: Uint8Array, start: number, length: number): void {
    this.#pieces.push(bytes.slice(start, start + length));
  }

  bytes(): Uint8Array<ArrayBuffer> {
    const total = this.#pieces.reduce((sum, piece) => sum + piece.length, 0);
    const all = new Uint8Array(total);
    let at = 0;
    for (const piece of this.#pieces) {
      all.set(piece, at);
      at += piece.length;
    }
    return all;
  }
}

export function rootsOf({ server }: EmbeddedServer): DatabaseRoots[] {
  return server.keyspace.databases.map(({ keys, expires }) => ({ keys, expires }));
}

/** The data of a server as an RDB file. */
export function saveToBytes(
  server: EmbeddedServer,
  changes: Partial<RdbOptions> = {},
): Uint8Array<ArrayBuffer> {
  return writeRdb(server.server.arena, rootsOf(server), changes);
}

/** The data below these roots as an RDB file. */
export function writeRdb(
  memory: Memory,
  roots: DatabaseRoots[],
  changes: Partial<RdbOptions> = {},
): Uint8Array<ArrayBuffer> {
  const sink = new CollectingSink();
  new RdbWriter(memory, sink, rdbOptions(changes)).writeFile(roots);
  return sink.bytes();
}

/** Loads an RDB file into a server. Returns the reader, which knows what it has met. */
export function loadFromBytes(
  server: EmbeddedServer,
  bytes: Uint8Array,
  { keepsExpired = false, verifiesChecksum = true } = {},
): RdbReader {
  const { keyspace, config } = server.server;
  const source = new ArraySource(bytes, 0, bytes.length);
  const reader = new RdbReader("test.rdb", source, bytes.length, keyspace, {
    limits: encodingLimits(config),
    verifiesChecksum,
    keepsExpired,
    yieldBytes: 1 << 20,
  });
  for (const _ of reader.load());
  return reader;
}

const CONTENT_COMMANDS: Record<string, (key: Uint8Array) => (string | Uint8Array)[]> = {
  string: (key) => ["GET", key],
  list: (key) => ["LRANGE", key, "0", "-1"],
  set: (key) => ["SMEMBERS", key],
  hash: (key) => ["HGETALL", key],
  zset: (key) => ["ZRANGE", key, "0", "-1", "WITHSCORES"],
  stream: (key) => ["XRANGE", key, "-", "+"],
};

/** "<db> <key>" → type, encoding, expiry and content as one text. */
export function contentsOf(server: EmbeddedServer, withEncoding = true): Map<string, string> {
  const contents = new Map<string, string>();
  const { client } = server;
  for (const { index, keys } of server.server.keyspace.databases) {
    client.run("SELECT", index);
    for (const key of keysOf(server, keys)) {
      const type = String(client.run("TYPE", key));
      const encoding = withEncoding ? String(client.run("OBJECT", "ENCODING", key)) : "";
      const expiry = String(client.run("PEXPIRETIME", key));
      let content = contentText(type, client.run(...CONTENT_COMMANDS[type](key)));
      if (type === "hash") content += fieldExpiries(client, key);
      if (type === "stream") content += groupsText(client.run("XINFO", "GROUPS", key));
      contents.set(`${index} ${fromLatin1(key)}`, [type, encoding, expiry, content].join("|"));
    }
  }
  client.run("SELECT", 0);
  return contents;
}

/** When the fields of a hash expire, those that do. */
function fieldExpiries(client: EmbeddedClient, key: Uint8Array): string {
  const fields = client.run("HKEYS", key) as (string | Uint8Array)[];
  if (fields.length === 0) return "";
  const expiries = client.run("HPEXPIRETIME", key, "FIELDS", fields.length, ...fields) as number[];
  const expiring = fields.map((field, index) => `${text(field)}@${expiries[index]}`)
    .filter((_, index) => expiries[index] !== -1);
  return expiring.length === 0 ? "" : `;${expiring.sort().join(",")}`;
}

function keysOf({ server }: EmbeddedServer, keys: number): Uint8Array[] {
  const found: Uint8Array[] = [];
  const view = new Slice();
  dict.forEach(server.arena, keys, (entry) => {
    dictEntry.readKey(server.arena, entry, view);
    found.push(view.copy());
  });
  return found;
}

function contentText(type: string, reply: Plain): string {
  if (!Array.isArray(reply)) return text(reply);
  const parts = reply.map(text);
  if (type === "set") return parts.sort().join(",");
  if (type !== "hash") return parts.join(",");
  const pairs: string[] = [];
  for (let index = 0; index < parts.length; index += 2) {
    pairs.push(`${parts[index]}=${parts[index + 1]}`);
  }
  return pairs.sort().join(",");
}

/** Names, consumers, pending entries and last ids: what all versions of a file know. */
function groupsText(groups: Plain): string {
  return (groups as Plain[][]).map((group) => text(group.slice(0, 8))).join(",");
}

function text(part: Plain): string {
  if (Array.isArray(part)) return `[${part.map(text).join(",")}]`;
  return part instanceof Uint8Array ? `bytes:${fromLatin1(part)}` : JSON.stringify(part);
}
