/**
 * Files and payloads exchanged with servers of other versions: redis-server 8.2 and 6.2 and
 * valkey-server 9.1 (variables REDIS_8, REDIS_6 and VALKEY_9 name the programs). Each writes a data
 * set of every type as dump.rdb, as AOF directory and by DUMP, which we load; and we write it back
 * for them, in each version of the format that they read. What comes out is compared key by key,
 * with the expiries of fields and the pending entries of streams.
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { datasetRequests } from "../support/dataset.ts";
import { datasetDifferences, type DatasetDigest, readDataset } from "../support/digest.ts";
import { missingPeer, type PeerKind, startPeer } from "../support/replication_pair.ts";
import type { Argument, RespClient } from "../support/resp_client.ts";
import { RespError } from "../support/resp_reply.ts";
import { type ServerProcess, TemporaryDirectory } from "../support/server_process.ts";
import { fromLatin1, latin1, until } from "../support/text.ts";
import { testUnless } from "../support/tool_availability.ts";

interface Peer {
  readonly kind: PeerKind;
  /** What its own files begin with. */
  readonly magic: string;
  /** The versions that it reads; of 12 and 80 it knows fields that expire. */
  readonly versions: readonly number[];
  readonly hasFunctions: boolean;
  /** The AOF is a single file. */
  readonly hasSingleAof: boolean;
}

const PEERS: readonly Peer[] = [
  {
    kind: "redis 8.2",
    magic: "REDIS0012",
    versions: [9, 10, 11, 12],
    hasFunctions: true,
    hasSingleAof: false,
  },
  {
    kind: "valkey 9.1",
    magic: "VALKEY080",
    versions: [9, 10, 11, 80],
    hasFunctions: true,
    hasSingleAof: false,
  },
  { kind: "redis 6.2", magic: "REDIS0009", versions: [9], hasFunctions: false, hasSingleAof: true },
];

const FAR_FUTURE_MS = 4_102_444_800_000;
/** Where PEXPIRETIME is missing, it is computed from the rest of the time, which passes. */
const TOLERANCE_MS = 600_000;
const AOF = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""];
const LIBRARY = "#!lua name=carried\nredis.register_function('answer', function() return 42 end)";

function knowsFieldExpiries({ versions }: Peer): boolean {
  return versions.at(-1)! >= 12;
}

/** The data set, as far as the peer has the commands. */
function requestsFor(peer: Peer): Argument[][] {
  const requests = datasetRequests({ plainKeyCount: 100, largeBytes: 300_000 }).map((request) => {
    const at = request.indexOf("ENTRIESREAD");
    return peer.kind === "redis 6.2" && at !== -1 ? request.slice(0, at) : [...request];
  });
  for (const [key, fieldCount] of [["hash:some expire", 6], ["hash:many expire", 400]] as const) {
    for (let field = 0; field < fieldCount; field++) {
      requests.push(["HSET", key, `field:${field}`, `value ${field}`]);
      if (!knowsFieldExpiries(peer) || field % 3 === 0) continue;
      requests.push(["HPEXPIREAT", key, FAR_FUTURE_MS + field, "FIELDS", 1, `field:${field}`]);
    }
  }
  if (peer.hasFunctions) requests.push(["FUNCTION", "LOAD", LIBRARY]);
  return requests;
}

async function send(client: RespClient, requests: readonly Argument[][]): Promise<void> {
  const PIPELINE_LENGTH = 200;
  for (let at = 0; at < requests.length; at += PIPELINE_LENGTH) {
    await client.expectMany(requests.slice(at, at + PIPELINE_LENGTH));
  }
}

/** Everything that is compared. */
interface Contents {
  readonly dataset: DatasetDigest;
  /** Expiries of fields, by key of database 0. */
  readonly fieldExpiries: Record<string, unknown>;
  /** Pending entries but for their idle times, by key of database 0 and group. */
  readonly pending: Record<string, unknown>;
  readonly functions: unknown;
}

async function contentsOf(client: RespClient, peer: Peer): Promise<Contents> {
  const dataset = await readDataset(client, true);
  const fieldExpiries: Record<string, unknown> = {};
  const pending: Record<string, unknown> = {};
  for (const key of await keysOf(client)) {
    const type = await client.expect("TYPE", key);
    const name = fromLatin1(key);
    if (type === "hash" && knowsFieldExpiries(peer)) {
      const fields = await client.callBytes("HKEYS", key) as Uint8Array[];
      fields.sort((left, right) => fromLatin1(left) < fromLatin1(right) ? -1 : 1);
      const times = await client.expect("HPEXPIRETIME", key, "FIELDS", fields.length, ...fields);
      if ((times as number[]).some((time) => time !== -1)) fieldExpiries[name] = times;
    } else if (type === "stream") {
      for (const group of await client.callBytes("XINFO", "GROUPS", key) as unknown[][]) {
        const entries = await client.expect("XPENDING", key, group[1] as Uint8Array, "-", "+", 99);
        pending[`${name} ${fromLatin1(group[1] as Uint8Array)}`] = (entries as unknown[][]).map(
          ([id, consumer, , deliveries]) => [id, consumer, deliveries],
        );
      }
    }
  }
  const functions = peer.hasFunctions ? await client.expect("FCALL", "answer", 0) : null;
  return { dataset, fieldExpiries, pending, functions };
}

async function keysOf(client: RespClient): Promise<Uint8Array[]> {
  const keys = await client.callBytes("KEYS", "*") as Uint8Array[];
  return keys.sort((left, right) => fromLatin1(left) < fromLatin1(right) ? -1 : 1);
}

function assertSame(found: Contents, expected: Contents, what: string): void {
  const differences = datasetDifferences(found.dataset, expected.dataset, {
    encodings: false,
    expiryToleranceMs: TOLERANCE_MS,
  });
  assertEquals(differences.slice(0, 10), [], what);
  assertEquals(found.fieldExpiries, expected.fieldExpiries, what);
  assertEquals(found.pending, expected.pending, what);
  assertEquals(found.functions, expected.functions, what);
}

/** What is left where a file or payload knows nothing of fields that expire. */
function withoutFieldExpiries(contents: Contents): Contents {
  return { ...contents, fieldExpiries: {} };
}

/** What RESTORE brings over key by key, to one database, without expiry. */
function restorable(contents: Contents): Contents {
  const dataset: DatasetDigest = new Map();
  for (const [key, value] of contents.dataset) {
    if (key.startsWith("0 ")) dataset.set(key, { ...value, expiresAtMs: -1 });
  }
  return { ...contents, dataset };
}

async function rewriteAof(client: RespClient): Promise<void> {
  await client.expect("BGREWRITEAOF");
  await until("the rewrite is done", async () => {
    const info = String(await client.call("INFO", "persistence"));
    return /aof_rewrite_in_progress:0/.test(info) && /aof_rewrite_scheduled:0/.test(info) &&
      /aof_last_bgrewrite_status:ok/.test(info);
  }, 60_000);
  // Something after the base, in each database that is selected.
  await client.expectMany([["SELECT", 1], ["INCR", "behind"], ["SELECT", 0], ["INCR", "behind"]]);
}

/** DUMP of all keys of database 0 of one server, RESTORE of them to the other, which is emptied. */
async function carryPayloads(from: RespClient, to: RespClient): Promise<void> {
  await to.expect("FLUSHALL");
  for (const key of await keysOf(from)) {
    const payload = await from.callBytes("DUMP", key) as Uint8Array;
    const reply = await to.call("RESTORE", key, 0, payload);
    assert(!(reply instanceof RespError), `${fromLatin1(key)}: ${reply}`);
  }
}

/** A directory for a server, with these files of another one's. */
async function directoryOf(...files: [name: string, path: string][]): Promise<TemporaryDirectory> {
  const directory = await TemporaryDirectory.create();
  for (const [name, path] of files) {
    const target = join(directory.path, name);
    if ((await Deno.stat(path)).isFile) {
      await Deno.copyFile(path, target);
      continue;
    }
    await Deno.mkdir(target);
    for await (const entry of Deno.readDir(path)) {
      await Deno.copyFile(join(path, entry.name), join(target, entry.name));
    }
  }
  return directory;
}

/** Our AOF as one file, for a server before version 7. */
async function joinAof(directory: string): Promise<Uint8Array> {
  const manifest = await Deno.readTextFile(join(directory, "appendonly.aof.manifest"));
  const names = [...manifest.matchAll(/^file (\S+) seq \d+ type [bi]$/gm)].map((match) => match[1]);
  const parts = names.map((name) => Deno.readFileSync(join(directory, name)));
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

/** Reads what a server of a kind makes of a directory. */
async function loaded<R>(
  kind: PeerKind,
  directory: TemporaryDirectory,
  args: readonly string[],
  read: (client: RespClient) => Promise<R>,
): Promise<R> {
  await using _ = directory;
  await using server = await startPeer(kind, {
    directory: directory.path,
    args,
    readyTimeoutMs: 60_000,
  });
  using client = await server.connect();
  return await read(client);
}

const RDB_ONLY = ["--save", ""];

/** What the peer writes comes to us whole. */
async function loadTheirs(peer: Peer): Promise<void> {
  const { kind } = peer;
  await using directory = await TemporaryDirectory.create();
  await using server = await startPeer(kind, { directory: directory.path, args: AOF });
  using source = await server.connect();
  await send(source, requestsFor(peer));
  await rewriteAof(source);
  await source.expect("SAVE");
  const expected = await contentsOf(source, peer);
  assertEquals(Object.keys(expected.fieldExpiries).length, knowsFieldExpiries(peer) ? 2 : 0);
  assert(Object.keys(expected.pending).length > 0);
  const path = join(directory.path, "dump.rdb");
  assertEquals((await Deno.readFile(path)).slice(0, 9), latin1(peer.magic));
  const dump = await directoryOf(["dump.rdb", path]);
  await loaded("redeno", dump, RDB_ONLY, async (client) => {
    assertSame(await contentsOf(client, peer), expected, "dump.rdb");
    await carryPayloads(source, client);
    assertSame(restorable(await contentsOf(client, peer)), restorable(expected), "payloads");
  });
  const name = peer.hasSingleAof ? "appendonly.aof" : "appendonlydir";
  const aof = await directoryOf([name, join(directory.path, name)]);
  await loaded("redeno", aof, AOF, async (client) => {
    assertSame(await contentsOf(client, peer), expected, "AOF");
  });
}

/** What we write comes to the peer whole. */
async function writeForThem(peer: Peer): Promise<void> {
  const { kind } = peer;
  await using directory = await TemporaryDirectory.create();
  await using server = await startPeer("redeno", { directory: directory.path, args: AOF });
  using source = await server.connect();
  await send(source, requestsFor(peer));
  await source.expect("CONFIG", "SET", "rdb-version", peer.versions.at(-1)!);
  await rewriteAof(source);
  const expected = await contentsOf(source, peer);
  for (const version of peer.versions) {
    await carryVersion(peer, server, directory.path, version, expected);
  }
  const parts = join(directory.path, "appendonlydir");
  if (peer.hasSingleAof) await Deno.writeFile(join(parts, "joined"), await joinAof(parts));
  const aof = peer.hasSingleAof
    ? await directoryOf(["appendonly.aof", join(parts, "joined")])
    : await directoryOf(["appendonlydir", parts]);
  await loaded(kind, aof, AOF, async (client) => {
    assertSame(await contentsOf(client, peer), expected, "AOF");
  });
}

/** A dump.rdb and payloads of a version of the format, from us to the peer. */
async function carryVersion(
  peer: Peer,
  server: ServerProcess,
  directory: string,
  version: number,
  all: Contents,
): Promise<void> {
  using source = await server.connect();
  await source.expect("CONFIG", "SET", "rdb-version", version);
  await source.expect("SAVE");
  const path = join(directory, "dump.rdb");
  const magic = version === 80 ? "VALKEY080" : `REDIS${String(version).padStart(4, "0")}`;
  assertEquals((await Deno.readFile(path)).slice(0, 9), latin1(magic));
  const expected = version >= 12 ? all : withoutFieldExpiries(all);
  await loaded(peer.kind, await directoryOf(["dump.rdb", path]), RDB_ONLY, async (client) => {
    assertSame(await contentsOf(client, peer), expected, `dump.rdb of version ${version}`);
    await carryPayloads(source, client);
    const found = restorable(await contentsOf(client, peer));
    assertSame(found, restorable(expected), `payloads of version ${version}`);
  });
}

for (const peer of PEERS) {
  const { kind } = peer;
  testUnless(missingPeer(kind), {
    name: `dump.rdb, AOF and payloads of ${kind} are loaded by us`,
    fn: () => loadTheirs(peer),
  });
  testUnless(missingPeer(kind), {
    name: `what we write is loaded by ${kind}`,
    fn: () => writeForThem(peer),
  });
}
