/** Data of a master in the place of ours: in place or beside, and what stays if they are bad. */
import { assertEquals, assertRejects } from "@std/assert";
import { Log } from "../../src/base/log.ts";
import { DataReplacement } from "../../src/replication/data_replacement.ts";
import { RdbInMemory } from "../../src/replication/received_rdb.ts";
import { ChildInPlace, microtasks } from "../crash/crash_run.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { rdbOf } from "../support/fake_master.ts";
import { SimulatedFiles } from "../support/simulated_files.ts";
import { concatBytes } from "../support/text.ts";

const LIBRARY = "#!lua name=new\nredis.register_function('f', function() return 1 end)";

function received(bytes: Uint8Array): RdbInMemory {
  const rdb = new RdbInMemory();
  rdb.write(bytes, 0, bytes.length);
  return rdb;
}

/** A server with data and a library of its own. */
function oldServer(mode: string): EmbeddedServer {
  const log = new Log(() => {});
  const embedded = new EmbeddedServer([["repl-diskless-load", mode]], { log });
  embedded.run("SET", "old", "1");
  embedded.run("FUNCTION", "LOAD", LIBRARY.replaceAll("new", "old"));
  return embedded;
}

function keysAndLibraries(embedded: EmbeddedServer): unknown {
  const libraries = embedded.run("FUNCTION", "LIST") as unknown[][];
  return [embedded.run("KEYS", "*"), libraries.map((library) => library[1])];
}

for (const mode of ["disabled", "swapdb"]) {
  Deno.test(`new data take the place of old ones, libraries, too: ${mode}`, async () => {
    using embedded = oldServer(mode);
    const watcher = embedded.connect();
    watcher.run("WATCH", "old");
    const waiter = embedded.connect();
    waiter.run("WATCH", "a");
    const replacement = new DataReplacement(embedded.server);
    let seenAtBegin: unknown = null;
    const rdb = received(rdbOf("SELECT 1\nSET b 1\nSELECT 0\nSET a 1"));
    const streamDb = await replacement.replace(rdb, () => {
      seenAtBegin = embedded.run("GET", "old");
    });
    assertEquals([streamDb, seenAtBegin], [0, "1"]);
    assertEquals(keysAndLibraries(embedded), [["a"], []]);
    embedded.run("SELECT", "1");
    assertEquals(embedded.run("KEYS", "*"), ["b"]);
    for (const client of [watcher, waiter]) {
      client.run("MULTI");
      assertEquals(client.run("EXEC"), null);
    }
  });

  Deno.test(`a backup in progress is void with the old data: ${mode}`, async () => {
    const files = new SimulatedFiles();
    files.syncsAtOnce = true;
    const child = new ChildInPlace(files);
    const options = { files, createChild: () => child, log: new Log(() => {}) };
    using embedded = new EmbeddedServer([["repl-diskless-load", mode]], options);
    embedded.server.config.dir = "/data";
    embedded.run("SET", "old", "1");
    embedded.run("BACKUP", "START");
    child.work();
    await microtasks();
    assertEquals((embedded.run("BACKUP", "STATUS") as string[])[1], "incrementing");
    await new DataReplacement(embedded.server).replace(received(rdbOf("SET a 1")), () => {});
    const status = embedded.run("BACKUP", "STATUS") as string[];
    assertEquals(status.slice(1, 4), [
      "failed",
      "error",
      "the data were replaced by those of a master",
    ]);
    assertEquals(files.list("/data/backupdir"), []);
  });

  Deno.test(`an RDB that ends early leaves no part of itself: ${mode}`, async () => {
    using embedded = oldServer(mode);
    const replacement = new DataReplacement(embedded.server);
    const whole = rdbOf("SET a 1\nSET b 2\nSET c 3");
    let hasBegun = false;
    const cut = received(whole.subarray(0, whole.length - 14));
    await assertRejects(() => replacement.replace(cut, () => hasBegun = true));
    assertEquals(hasBegun, mode === "disabled");
    const kept = mode === "swapdb" ? ["old"] : [];
    assertEquals(embedded.run("KEYS", "*"), kept);
  });
}

for (const mode of ["disabled", "swapdb"]) {
  Deno.test(`no block is left of the old data, nor of new ones that are bad: ${mode}`, async () => {
    using embedded = oldServer(mode);
    const { arena, keyspace } = embedded.server;
    embedded.run("FLUSHALL");
    embedded.reclaim();
    const emptyBytes = arena.usedBytes;
    const replacement = new DataReplacement(embedded.server);
    for (let db = 0; db < 3; db++) {
      embedded.run("SELECT", db);
      for (let index = 0; index < 50; index++) {
        const fields = ["a", "1", "b", "x".repeat(100)];
        embedded.run("HSETEX", `h${index}`, "PXAT", 9e12 + index, "FIELDS", 2, ...fields);
      }
    }
    assertEquals(keyspace.databases.map(({ expiryOrder }) => expiryOrder.count > 0).slice(0, 4), [
      true,
      true,
      true,
      false,
    ]);
    await replacement.replace(received(rdbOf("SET a 1")), () => {});
    // Cut in the middle of a large value.
    const members = Array.from({ length: 300 }, (_, index) => `member:${index}`).join(" ");
    const whole = rdbOf(`SADD set ${members}`);
    await assertRejects(() =>
      replacement.replace(received(whole.subarray(0, whole.length - 300)), () => {})
    );
    embedded.run("FLUSHALL");
    embedded.reclaim();
    assertEquals([arena.usedBytes, keyspace.reclaimer.pendingCount], [emptyBytes, 0]);
  });
}

Deno.test("while new data are loaded in place, clients are told so, and beside, they are not", async () => {
  for (const mode of ["disabled", "swapdb"]) {
    const log = new Log(() => {});
    const directives = [
      ["repl-diskless-load", mode],
      ["loading-process-events-interval-bytes", "1024"],
    ] as const;
    using embedded = new EmbeddedServer(directives, { log });
    embedded.run("SET", "old", "1");
    const requests = Array.from({ length: 300 }, (_, index) => `SET key:${index} value`);
    const replacement = new DataReplacement(embedded.server);
    const replacing = replacement.replace(received(rdbOf(requests.join("\n"))), () => {});
    const [read, save] = [embedded.raw("GET", "old"), embedded.raw("SAVE")];
    const loading = "-LOADING Redis is loading the dataset in memory\r\n";
    assertEquals(read, mode === "swapdb" ? "$1\r\n1\r\n" : loading);
    assertEquals(save, loading);
    await replacing;
    assertEquals(embedded.run("DBSIZE"), 300);
  }
});

Deno.test("a newer format is never loaded in place, for it may hold what cannot be read", async () => {
  using embedded = oldServer("disabled");
  const rdb = rdbOf("SET a 1");
  const newer = concatBytes([new TextEncoder().encode("REDIS0012"), rdb.subarray(9)]);
  // An array of Redis 8.8 in the place of the end.
  const unreadable = concatBytes([newer.subarray(0, newer.length - 9), Uint8Array.of(28, 1, 104)]);
  const replacement = new DataReplacement(embedded.server);
  await assertRejects(
    () => replacement.replace(received(unreadable), () => {}),
    Error,
    "has type array",
  );
  assertEquals(keysAndLibraries(embedded), [["old"], ["old"]]);
  await replacement.replace(received(newer), () => {});
  assertEquals(embedded.run("KEYS", "*"), ["a"]);
});
