/**
 * Files written by one server and loaded by the other, both ways: RDB and AOF, with a dataset
 * that has every type, encoding, expiry, database and binary keys in it, and the original's own
 * checkers.
 */

import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { type CompareOptions, datasetDifferences, readDataset } from "../support/digest.ts";
import { fillDataset } from "../support/dataset.ts";
import { startRedis } from "../support/redis_process.ts";
import type { RespClient } from "../support/resp_client.ts";
import {
  type ServerOptions,
  type ServerProcess,
  startServer,
  TemporaryDirectory,
} from "../support/server_process.ts";
import { runTool, testWith } from "../support/tool_availability.ts";
import { until } from "../support/text.ts";

type Start = (options: ServerOptions) => Promise<ServerProcess>;

const LARGE_BYTES = 100 * 1024 * 1024;
// "always": a copy of the directory is taken right after the last reply.
const AOF = ["--appendonly", "yes", "--appendfsync", "always"];

async function assertSameDataset(
  left: RespClient,
  right: RespClient,
  options: CompareOptions = {},
): Promise<void> {
  const differences = datasetDifferences(
    await readDataset(left),
    await readDataset(right),
    options,
  );
  assertEquals(differences.slice(0, 20), []);
}

/** Fills `writer`, has it save, starts `loader` on the same directory beside it, compares. */
async function assertCarriedOver(
  startWriter: Start,
  startLoader: Start,
  args: readonly string[],
  save: (client: RespClient) => Promise<void>,
  largeBytes?: number,
): Promise<void> {
  await using directory = await TemporaryDirectory.create();
  await using copy = await TemporaryDirectory.create();
  await using writer = await startWriter({ directory: directory.path, args });
  using source = await writer.connect();
  await fillDataset(source, largeBytes === undefined ? {} : { largeBytes });
  await save(source);
  await copyTree(directory.path, copy.path);
  await using loader = await startLoader({ directory: copy.path, args, readyTimeoutMs: 60_000 });
  using target = await loader.connect();
  await assertSameDataset(source, target);
}

/** Copies a directory from which files of history may just be removed in the background. */
async function copyTree(from: string, to: string): Promise<void> {
  for await (const entry of Deno.readDir(from)) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isFile) {
      await Deno.copyFile(source, target).catch((error) => {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      });
    } else {
      await Deno.mkdir(target);
      await copyTree(source, target);
    }
  }
}

async function save(client: RespClient): Promise<void> {
  assertEquals(await client.call("SAVE"), "OK");
}

async function backgroundSave(client: RespClient): Promise<void> {
  assertEquals(await client.call("BGSAVE"), "Background saving started");
  await until("BGSAVE is done", async () => {
    return /rdb_bgsave_in_progress:0/.test(String(await client.call("INFO", "persistence")));
  }, 60_000);
  assertEquals(/rdb_last_bgsave_status:ok/.test(String(await client.call("INFO"))), true);
}

async function rewriteAof(client: RespClient): Promise<void> {
  assertEquals(
    await client.call("BGREWRITEAOF"),
    "Background append only file rewriting started",
  );
  await until("the rewrite is done", async () => {
    const info = String(await client.call("INFO", "persistence"));
    return /aof_rewrite_in_progress:0/.test(info) && /aof_rewrite_scheduled:0/.test(info);
  }, 60_000);
  // Something after the base, so that an incremental file takes part too.
  await client.expect("SET", "after the rewrite", "yes");
  await client.expect("HINCRBYFLOAT", "hash:small", "age", "0.5");
}

async function nothing(): Promise<void> {}

const tools = ["redis-server"] as const;

testWith(tools, "an RDB file of ours, by SAVE, is loaded by redis-server", async () => {
  await assertCarriedOver(startServer, startRedis, [], save);
});

testWith(tools, "an RDB file of ours, by BGSAVE, is loaded by redis-server", async () => {
  await assertCarriedOver(startServer, startRedis, [], backgroundSave);
});

testWith(tools, "an RDB file of redis-server is loaded by us", async () => {
  await assertCarriedOver(startRedis, startServer, [], backgroundSave);
});

testWith(tools, "uncompressed RDB files without checksum are carried over both ways", async () => {
  const args = ["--rdbcompression", "no", "--rdbchecksum", "no"];
  await assertCarriedOver(startServer, startRedis, args, save);
  await assertCarriedOver(startRedis, startServer, args, save);
});

testWith(tools, "a value of 100 MB is carried over in RDB files both ways", async () => {
  await assertCarriedOver(startServer, startRedis, [], save, LARGE_BYTES);
  await assertCarriedOver(startRedis, startServer, [], save, LARGE_BYTES);
});

testWith(tools, "an AOF of ours is loaded by redis-server", async () => {
  await assertCarriedOver(startServer, startRedis, AOF, nothing);
});

testWith(tools, "a rewritten AOF of ours is loaded by redis-server", async () => {
  await assertCarriedOver(startServer, startRedis, AOF, rewriteAof);
});

testWith(tools, "an AOF of redis-server, fresh and rewritten, is loaded by us", async () => {
  await assertCarriedOver(startRedis, startServer, AOF, nothing);
  await assertCarriedOver(startRedis, startServer, AOF, rewriteAof);
});

testWith(tools, "an AOF with a base of commands is carried over both ways", async () => {
  const args = [...AOF, "--aof-use-rdb-preamble", "no"];
  await assertCarriedOver(startServer, startRedis, args, rewriteAof);
  await assertCarriedOver(startRedis, startServer, args, rewriteAof);
});

for (const preamble of ["yes", "no"]) {
  testWith(
    tools,
    `AOF directories in the middle of a rewrite are carried over (preamble ${preamble})`,
    async () => {
      const args = [...AOF, "--aof-use-rdb-preamble", preamble, "--rdb-key-save-delay", "1000"];
      for (
        const [startWriter, startLoader] of [[startServer, startRedis], [startRedis, startServer]]
      ) {
        await using directory = await TemporaryDirectory.create();
        await using writer = await startWriter({ directory: directory.path, args });
        using source = await writer.connect();
        await fillDataset(source);
        // The second rewrite begins where the first has put a base and an increment.
        for (let round = 0; round < 2; round++) {
          await source.expect("BGREWRITEAOF");
          await source.expect("SET", `during ${round}`, "the rewrite");
          await source.expect("RPUSH", "list:mixed", "during", round);
          await using copy = await copyOfAof(directory.path);
          // With a base of commands the pace is not slowed down, and it may be done already.
          if (preamble === "yes") await assertRewriting(source);
          await using loader = await startLoader({ directory: copy.path, args });
          using target = await loader.connect();
          await assertSameDataset(source, target);
          await until("the rewrite is done", async () => {
            const info = String(await source.call("INFO", "persistence"));
            return /aof_rewrite_in_progress:0/.test(info);
          }, 60_000);
        }
      }
    },
  );
}

/**
 * A copy of a directory whose AOF is being rewritten, as it was at one moment: made again if files
 * came or went meanwhile.
 */
async function copyOfAof(directory: string): Promise<TemporaryDirectory> {
  const manifest = `${directory}/appendonlydir/appendonly.aof.manifest`;
  for (;;) {
    const copy = await TemporaryDirectory.create();
    const before = await Deno.readTextFile(manifest);
    try {
      await copyTree(directory, copy.path);
      if (await Deno.readTextFile(manifest) === before) return copy;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    await copy[Symbol.asyncDispose]();
  }
}

async function assertRewriting(client: RespClient): Promise<void> {
  const info = String(await client.call("INFO", "persistence"));
  assertEquals(/aof_rewrite_in_progress:(\d)/.exec(info)?.[1], "1");
}

testWith(
  tools,
  "redis-server loads our versions 9 and 10, and refuses 11 by its number",
  async () => {
    await using server = await startServer();
    using client = await server.connect();
    await fillDataset(client);
    for (const version of [9, 10, 11]) {
      await client.expect("CONFIG", "SET", "rdb-version", version);
      await save(client);
      await using copy = await TemporaryDirectory.create();
      await copyTree(server.directory, copy.path);
      if (version === 11) {
        const error = await assertRejects(() => startRedis({ directory: copy.path }), Error);
        assertEquals(/Can't handle RDB format version 11/.test(error.message), true, error.message);
      } else {
        await using redis = await startRedis({ directory: copy.path });
        using target = await redis.connect();
        await assertSameDataset(client, target);
      }
    }
  },
);

testWith(["redis-check-rdb"], "redis-check-rdb accepts our dump", async () => {
  await using server = await startServer();
  using client = await server.connect();
  await fillDataset(client);
  await save(client);
  const { stdout } = await runTool("redis-check-rdb", [join(server.directory, "dump.rdb")]);
  assertEquals(/RDB looks OK! \\o\//.test(stdout), true, stdout);
  assertEquals(/Checksum OK/.test(stdout), true, stdout);
  const keys = Number(/(\d+) keys read/.exec(stdout)?.[1]);
  let held = 0;
  for (let db = 0; db < 16; db++) {
    await client.expect("SELECT", db);
    held += Number(await client.call("DBSIZE"));
  }
  assertEquals(keys, held);
});

testWith(
  ["redis-check-aof"],
  "redis-check-aof accepts our manifest, base and increments",
  async () => {
    await using server = await startServer({ args: AOF });
    using client = await server.connect();
    await fillDataset(client);
    await rewriteAof(client);
    await client.callMany([["MULTI"], ["SET", "a", "1"], ["INCR", "a"], ["EXEC"]]);
    const manifest = join(server.directory, "appendonlydir", "appendonly.aof.manifest");
    const { stdout, stderr } = await runTool("redis-check-aof", [manifest]);
    assertEquals(
      /All AOF files and manifest are valid/.test(stdout + stderr),
      true,
      stdout + stderr,
    );
  },
);
