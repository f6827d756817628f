/**
 * What is on disk when a server ends, and what it finds when it starts: save points, SHUTDOWN,
 * signals, FLUSHALL and FLUSHDB, RDB beside AOF, fsync policies and a kill.
 */

import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { ConnectionClosed, type RespClient } from "../support/resp_client.ts";
import { type ServerOptions, startServer, TemporaryDirectory } from "../support/server_process.ts";
import { delay, until } from "../support/text.ts";

/** Runs `body` against a server on a directory that is kept between calls. */
async function session(
  directory: TemporaryDirectory,
  options: ServerOptions,
  body: (client: RespClient) => Promise<void>,
  end: "SIGTERM" | "SIGINT" | "SIGKILL" | "by the test" = "SIGKILL",
): Promise<void> {
  await using server = await startServer({ ...options, directory: directory.path });
  using client = await server.connect();
  await body(client);
  if (end === "SIGTERM" || end === "SIGINT") assertEquals(await server.stop(end), 0);
  else if (end === "by the test") assertEquals(await server.ended(), 0);
}

function dumpExists(directory: TemporaryDirectory): boolean {
  return [...Deno.readDirSync(directory.path)].some((entry) => entry.name === "dump.rdb");
}

async function shutdown(client: RespClient, ...options: string[]): Promise<void> {
  try {
    await client.send("SHUTDOWN", ...options);
    await client.receive();
  } catch (error) {
    if (!(error instanceof ConnectionClosed)) throw error;
  }
}

const SAVE_POINTS = "900 1 300 10 60 10000";

Deno.test("a save point that holds writes the RDB by itself", async () => {
  await using directory = await TemporaryDirectory.create();
  await session(directory, { save: "1 1" }, async (client) => {
    await client.expect("SET", "name", "guohu");
    await until("dump.rdb appears", () => dumpExists(directory));
    await until("the save is done", async () => {
      const info = String(await client.call("INFO", "persistence"));
      return /rdb_bgsave_in_progress:0/.test(info) && /rdb_changes_since_last_save:0/.test(info);
    });
  });
  await session(directory, {}, async (client) => {
    assertEquals(await client.call("GET", "name"), "guohu");
  });
});

Deno.test("a save point set by CONFIG SET holds too", async () => {
  await using directory = await TemporaryDirectory.create();
  await session(directory, {}, async (client) => {
    await client.expect("CONFIG", "SET", "save", "1 2");
    assertEquals(await client.call("CONFIG", "GET", "save"), ["save", "1 2"]);
    await client.expect("MSET", "one", "1", "two", "2");
    await until("dump.rdb appears", () => dumpExists(directory));
  });
});

Deno.test("save points of a configuration file hold", async () => {
  await using directory = await TemporaryDirectory.create();
  const configFile = join(directory.path, "test.conf");
  await Deno.writeTextFile(configFile, "save 900 1\nsave 300 10\nsave 60 10000\n");
  await using server = await startServer({ configFile, directory: directory.path, save: "3600 1" });
  using client = await server.connect();
  const points = await client.call("CONFIG", "GET", "save");
  assertEquals(points, ["save", "900 1 300 10 60 10000 3600 1"]);
});

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`${signal} saves where save points exist, and the data are found again`, async () => {
    await using directory = await TemporaryDirectory.create();
    await session(directory, { save: SAVE_POINTS }, async (client) => {
      await client.expect("SET", "name", "guohu");
      await client.expect("SET", "session", "1", "EX", "1000");
    }, signal);
    assertEquals(dumpExists(directory), true);
    await session(directory, {}, async (client) => {
      assertEquals(await client.call("GET", "name"), "guohu");
      assertEquals(Number(await client.call("TTL", "session")) > 900, true);
    });
  });
}

Deno.test("SIGTERM saves nothing without save points", async () => {
  await using directory = await TemporaryDirectory.create();
  await session(directory, {}, async (client) => {
    await client.expect("SET", "name", "guohu");
  }, "SIGTERM");
  assertEquals(dumpExists(directory), false);
});

Deno.test("SHUTDOWN saves where save points exist; NOSAVE does not; SAVE always does", async () => {
  const cases: [save: string, options: string[], isSaved: boolean][] = [
    [SAVE_POINTS, [], true],
    [SAVE_POINTS, ["NOSAVE"], false],
    ["", [], false],
    ["", ["SAVE"], true],
  ];
  for (const [save, options, isSaved] of cases) {
    await using directory = await TemporaryDirectory.create();
    await session(directory, { save }, async (client) => {
      await client.expect("SET", "name", "guohu");
      await shutdown(client, ...options);
    }, "by the test");
    assertEquals(dumpExists(directory), isSaved, `save "${save}" SHUTDOWN ${options.join(" ")}`);
  }
});

Deno.test("FLUSHALL writes an empty RDB where save points exist", async () => {
  await using directory = await TemporaryDirectory.create();
  await session(directory, { save: SAVE_POINTS }, async (client) => {
    await client.expect("SET", "name", "guohu");
    await client.expect("SAVE");
    await client.expect("FLUSHALL");
    await until("the save is done", async () => {
      return /rdb_changes_since_last_save:0/.test(String(await client.call("INFO")));
    });
  });
  await session(directory, {}, async (client) => {
    assertEquals(await client.call("DBSIZE"), 0);
  });
});

Deno.test("FLUSHDB writes no RDB", async () => {
  await using directory = await TemporaryDirectory.create();
  await session(directory, { save: SAVE_POINTS }, async (client) => {
    await client.expect("SET", "name", "guohu");
    await client.expect("SAVE");
    await client.expect("FLUSHDB");
    assertEquals(await client.call("DBSIZE"), 0);
    await delay(300);
  });
  await session(directory, {}, async (client) => {
    assertEquals(await client.call("GET", "name"), "guohu");
  });
});

Deno.test("the AOF wins over the RDB at start", async () => {
  await using directory = await TemporaryDirectory.create();
  await session(directory, { args: ["--appendonly", "yes"] }, async (client) => {
    await client.expect("SET", "source", "rdb");
    await client.expect("SAVE");
    await client.expect("SET", "source", "aof");
  }, "SIGTERM");
  assertEquals(dumpExists(directory), true);
  await session(directory, { args: ["--appendonly", "yes"] }, async (client) => {
    assertEquals(await client.call("GET", "source"), "aof");
  });
  await session(directory, {}, async (client) => {
    assertEquals(await client.call("GET", "source"), "rdb");
  });
});

Deno.test("appendonly is off by default and can be switched on while running", async () => {
  await using directory = await TemporaryDirectory.create();
  await session(directory, {}, async (client) => {
    assertEquals(await client.call("CONFIG", "GET", "appendonly"), ["appendonly", "no"]);
    const file = await client.call("CONFIG", "GET", "appendfilename");
    assertEquals(file, ["appendfilename", "appendonly.aof"]);
    await client.expect("SET", "before", "1");
    await client.expect("CONFIG", "SET", "appendonly", "yes");
    await until("the first rewrite is done", async () => {
      const info = String(await client.call("INFO", "persistence"));
      return /aof_enabled:1/.test(info) && /aof_rewrite_in_progress:0/.test(info) &&
        /aof_rewrite_scheduled:0/.test(info);
    });
    await client.expect("SET", "after", "2");
  }, "SIGTERM");
  await session(directory, { args: ["--appendonly", "yes"] }, async (client) => {
    assertEquals(await client.call("MGET", "before", "after"), ["1", "2"]);
  });
});

for (const policy of ["always", "everysec", "no"]) {
  Deno.test(`with appendfsync ${policy} an orderly end loses nothing`, async () => {
    await using directory = await TemporaryDirectory.create();
    const args = ["--appendonly", "yes", "--appendfsync", policy];
    await session(directory, { args }, async (client) => {
      for (let i = 0; i < 200; i++) await client.expect("RPUSH", "log", i);
    }, "SIGTERM");
    await session(directory, { args }, async (client) => {
      assertEquals(await client.call("LLEN", "log"), 200);
    });
  });
}

Deno.test("with appendfsync always a killed server has every answered write", async () => {
  await using directory = await TemporaryDirectory.create();
  const args = ["--appendonly", "yes", "--appendfsync", "always"];
  await session(directory, { args }, async (client) => {
    for (let i = 0; i < 200; i++) await client.expect("RPUSH", "log", i);
    await client.callMany([["MULTI"], ["SET", "a", "1"], ["SET", "b", "2"], ["EXEC"]]);
  }, "SIGKILL");
  await session(directory, { args }, async (client) => {
    assertEquals(await client.call("LLEN", "log"), 200);
    assertEquals(await client.call("MGET", "a", "b"), ["1", "2"]);
  });
});

Deno.test("keys that expired while the server was down are not found", async () => {
  await using directory = await TemporaryDirectory.create();
  await session(directory, { save: SAVE_POINTS }, async (client) => {
    await client.expect("SET", "short", "1", "PX", "300");
    await client.expect("SET", "long", "1", "EX", "1000");
  }, "SIGTERM");
  await delay(400);
  await session(directory, {}, async (client) => {
    assertEquals(await client.call("MGET", "short", "long"), [null, "1"]);
    assertEquals(await client.call("DBSIZE"), 1);
  });
});

Deno.test("LASTSAVE and INFO persistence tell of the last save", async () => {
  await using server = await startServer();
  using client = await server.connect();
  const before = Number(await client.call("LASTSAVE"));
  await client.expect("SET", "a", "1");
  assertMatch(String(await client.call("INFO", "persistence")), /rdb_changes_since_last_save:1\r/);
  await delay(1100);
  await client.expect("SAVE");
  assertEquals(Number(await client.call("LASTSAVE")) > before, true);
  assertMatch(String(await client.call("INFO", "persistence")), /rdb_changes_since_last_save:0\r/);
});
