/**
 * The newest redis-py, node-redis and ioredis, which all open with HELLO 3: every command family,
 * and what only they can say (hash fields that expire, client-side caching, functions, sharded
 * channels). A script prints what its calls return, against a server of Redis and against ours, and
 * both must have printed the same: beside redis-server 7.0.15 ours answers as 7.0, beside 8.2.3
 * (the variable REDIS_8 names it) as 7.4.
 *
 * redis-py comes from the Python package index, the others from npm; skipped where they don't.
 */
import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { pythonPackages } from "../support/python_packages.ts";
import { missingPeer, type PeerKind, startPeer } from "../support/replication_pair.ts";
import type { ServerProcess } from "../support/server_process.ts";
import { fromUtf8, printLine } from "../support/text.ts";
import { missingReason, NPM_RUN_ARGUMENTS, type Tool } from "../support/tool_availability.ts";

const REDIS_PY = "redis==8.1.0";
const NPM_PERMISSIONS = ["--allow-net", "--allow-env", "--allow-sys", "--allow-read"];
/** Fewer lines than this mean that a script ended early at both servers. */
const LINES_MIN = 50;
const TIMEOUT_MS = 300_000;

/** A client: how its scripts are run, or why they cannot be. */
interface Client {
  name: string;
  /** Scripts with their arguments behind the port. */
  families: string[];
  newest: string[];
  prepare(): Promise<Deno.CommandOptions & { program: string } | string>;
}

function npmClient(name: string, tool: Tool, families: string[], newest: string): Client {
  return {
    name,
    families,
    newest: [newest],
    prepare: () => {
      const reason = missingReason(tool);
      const args = ["run", "--quiet", ...NPM_RUN_ARGUMENTS, ...NPM_PERMISSIONS];
      return Promise.resolve(reason ?? { program: Deno.execPath(), args });
    },
  };
}

const CLIENTS: readonly Client[] = [
  {
    name: "redis-py 8",
    families: ["python/every_family.py", "3"],
    newest: ["python/newest_families.py"],
    prepare: async () => {
      const path = await pythonPackages([REDIS_PY]);
      if (path === null) return `${REDIS_PY} cannot be fetched`;
      return { program: "python3", args: [], env: { PYTHONPATH: path } };
    },
  },
  npmClient(
    "node-redis 6",
    "npm:redis@6.3.1",
    ["npm/node_redis_families.mjs", "3", "6.3.1"],
    "npm/node_redis_newest.mjs",
  ),
  npmClient(
    "ioredis 6",
    "npm:ioredis@6.0.0",
    ["npm/ioredis_families.mjs", "6.0.0"],
    "npm/ioredis_newest.mjs",
  ),
];

/** What 8.2.3 answers otherwise than 7.4: its version, digits of coordinates, shared integers. */
const OF_REDIS_8 = /^(\["|object \('|)(hello|info|geopos|georadius|(object)?refcount)\b/i;

async function linesOf(
  { port }: ServerProcess,
  { program, args = [], env }: Deno.CommandOptions & { program: string },
  [script, ...more]: readonly string[],
): Promise<string[]> {
  const path = fromFileUrl(new URL(script!, import.meta.url));
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args: [...args, path, String(port), ...more],
    ...(env === undefined ? {} : { env }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).output();
  assert(success, fromUtf8(stdout) + fromUtf8(stderr));
  return fromUtf8(stdout).trimEnd().split("\n");
}

/** The lines that differ between a server of Redis and ours, which are fresh ones. */
async function differences(
  peer: PeerKind,
  command: Deno.CommandOptions & { program: string },
  script: readonly string[],
): Promise<string[]> {
  const ourArguments = peer === "redis 7.0"
    ? ["--redis-version", "7.0"]
    : ["--redis-version", "7.4", "--rdb-version", "12"];
  await using redis = await startPeer(peer);
  await using ours = await startPeer("redeno", { args: ourArguments });
  const [expected, actual] = await Promise.all([
    linesOf(redis, command, script),
    linesOf(ours, command, script),
  ]);
  assert(expected.length >= LINES_MIN, `only ${expected.length} lines`);
  assertEquals(actual.length, expected.length);
  return expected.flatMap((line, index) => {
    if (line === actual[index] || peer === "redis 8.2" && OF_REDIS_8.test(line)) return [];
    return [`${line}  |  ${actual[index]}`];
  });
}

for (const client of CLIENTS) {
  const runs: [peer: PeerKind, script: string[], name: string][] = [
    ["redis 7.0", client.families, "every family"],
    ["redis 8.2", client.families, "every family"],
    ["redis 8.2", client.newest, "what is newer"],
  ];
  for (const [peer, script, what] of runs) {
    const name = `${client.name} in RESP3: ${what}, beside ${peer}`;
    Deno.test(name, async () => {
      const missing = missingPeer(peer);
      const command = missing ?? await client.prepare();
      if (typeof command === "string") return printLine(`skipped: ${name}: ${command}`);
      assertEquals(await differences(peer, command, script), [], "Redis | ours");
    });
  }
}
