/**
 * Masters and replicas of all kinds, and what tests of replication ask of them: who is connected,
 * how far the stream has come, whether both have the same data.
 *
 * Other servers than redis-server 7.0.15 are found by environment variables that name their
 * programs: REDIS_6, REDIS_8, VALKEY_9. What is not there is not tested, and a line says so.
 */
import { assertEquals, AssertionError } from "@std/assert";
import type { RespClient } from "./resp_client.ts";
import { type ServerOptions, type ServerProcess, startServer } from "./server_process.ts";
import { quoted, until } from "./text.ts";
import { missingReason } from "./tool_availability.ts";

export type PeerKind = "redeno" | "redis 7.0" | "redis 6.2" | "redis 8.2" | "valkey 9.1";

const PROGRAMS: Partial<Record<PeerKind, string>> = {
  "redis 6.2": "REDIS_6",
  "redis 8.2": "REDIS_8",
  "valkey 9.1": "VALKEY_9",
};
/** All that may be replicated; a DEBUG command is allowed everywhere. */
const ARGUMENTS: Record<PeerKind, readonly string[]> = {
  "redeno": ["--enable-debug-command", "yes"],
  "redis 7.0": ["--enable-debug-command", "yes"],
  "redis 6.2": [],
  "redis 8.2": ["--enable-debug-command", "yes"],
  "valkey 9.1": ["--enable-debug-command", "yes"],
};

/** Why servers of a kind cannot be started here; null if they can. */
export function missingPeer(kind: PeerKind): string | null {
  if (kind === "redeno") return null;
  if (kind === "redis 7.0") return missingReason("redis-server");
  const variable = PROGRAMS[kind]!;
  return Deno.env.get(variable) === undefined ? `${variable} names no program` : null;
}

/** Starts a server of a kind. */
export function startPeer(kind: PeerKind, options: ServerOptions = {}): Promise<ServerProcess> {
  const variable = PROGRAMS[kind];
  const program = variable === undefined ? undefined : Deno.env.get(variable)!;
  return startServer({
    ...options,
    target: kind === "redeno" ? "redeno" : "redis",
    args: [...ARGUMENTS[kind], "--repl-diskless-sync-delay", "0", ...(options.args ?? [])],
    ...(program === undefined ? {} : { program }),
  });
}

/** The fields of a section of INFO. */
export async function infoOf(client: RespClient, section: string): Promise<Map<string, string>> {
  const lines = String(await client.expect("INFO", section)).split("\r\n");
  return new Map(
    lines.filter((line) => line.includes(":")).map((line) => {
      const at = line.indexOf(":");
      return [line.slice(0, at), line.slice(at + 1)];
    }),
  );
}

/** Waits until a replica has applied all that its master has sent so far. */
export async function untilInSync(master: RespClient, replica: RespClient): Promise<void> {
  await until("the replica has all that the master has", async () => {
    const above = await infoOf(master, "replication");
    const below = await infoOf(replica, "replication");
    return below.get("master_link_status") === "up" &&
      below.get("slave_repl_offset") === above.get("master_repl_offset") &&
      above.get("master_replid") === below.get("master_replid");
  });
}

/** Waits until a replica follows over a later connection of a proxy than the one of this number. */
export async function untilBack(
  replica: RespClient,
  proxy: { readonly connectionCount: number },
  connectionCount: number,
): Promise<void> {
  await until("the link is up again", async () => {
    // Asked first: what it says before it connects is about the link that was cut.
    if (proxy.connectionCount <= connectionCount) return false;
    return (await infoOf(replica, "replication")).get("master_link_status") === "up";
  });
}

/** Of a string that differs the beginning is shown. */
const SHOWN_BYTES_MAX = 200;
/** A key that expires between two looks makes them differ, but only once. */
const COMPARISONS_MAX = 5;

/** Asserts that both have the same data, once the replica has all. */
export async function assertSameData(master: RespClient, replica: RespClient): Promise<void> {
  await compareOften(async () => {
    await untilInSync(master, replica);
    await compareData(master, replica);
  });
}

/** Asserts that a server has the same data as another, which it does not follow any more. */
export async function assertSameKeys(other: RespClient, server: RespClient): Promise<void> {
  await compareOften(() => compareData(other, server));
}

async function compareOften(compare: () => Promise<void>): Promise<void> {
  for (let count = 1; count < COMPARISONS_MAX; count++) {
    try {
      return await compare();
    } catch (error) {
      if (!(error instanceof AssertionError)) throw error;
    }
  }
  await compare();
}

async function compareData(master: RespClient, replica: RespClient): Promise<void> {
  const [ours, theirs] = [
    await replica.expect("DEBUG", "DIGEST"),
    await master.expect("DEBUG", "DIGEST"),
  ];
  // Newer servers write scores with fewer digits. A listpack has no -0, a skiplist has; and of the
  // commands that made a zset of the master the replica saw only the effects, so it may have
  // another encoding, with redis-server, too.
  if (ours !== theirs) assertEquals(await keysOf(replica), await keysOf(master));
}

/** What each key holds: a digest, strings as they are, sorted sets with 0 for -0. */
async function keysOf(client: RespClient): Promise<Record<string, unknown>> {
  const keyspace = String(await client.expect("INFO", "keyspace"));
  const contents: Record<string, unknown> = {};
  for (const [, db] of keyspace.matchAll(/^db(\d+):/gm)) {
    await client.expect("SELECT", db);
    for (const key of await client.callBytes("KEYS", "*") as Uint8Array[]) {
      contents[`${db} ${quoted(key)}`] = await contentOf(client, key);
    }
  }
  return contents;
}

async function contentOf(client: RespClient, key: Uint8Array): Promise<unknown> {
  const type = await client.call("TYPE", key);
  if (type === "zset") {
    const parts = await client.expect("ZRANGE", key, 0, -1, "WITHSCORES") as string[];
    return parts.map((part, index) => index % 2 === 0 ? part : sameScore(part));
  }
  // The digest says whether it expires, too.
  const digest = await client.call("DEBUG", "DIGEST-VALUE", key);
  if (type !== "string") return digest;
  const bytes = await client.callBytes("GET", key);
  const shown = bytes instanceof Uint8Array ? quoted(bytes.subarray(0, SHOWN_BYTES_MAX)) : "";
  return [digest, shown];
}

/** A score that two servers may write in two ways. */
function sameScore(text: string): string {
  const score = Number(text);
  return Number.isNaN(score) ? text : String(score + 0);
}
