/** Full synchronization of a running server: by disk, without one, several replicas, bad ones. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { FakeReplica } from "../support/fake_replica.ts";
import type { RespClient } from "../support/resp_client.ts";
import { type ServerProcess, startServer } from "../support/server_process.ts";
import { fromLatin1, until } from "../support/text.ts";
import { commandsOf } from "../support/unit_reader.ts";

const EOF = { announces: ["capa", "eof", "capa", "psync2"] };

function start(...args: string[]): Promise<ServerProcess> {
  const defaults = ["--repl-diskless-sync-delay", "0", "--enable-debug-command", "yes"];
  return startServer({ target: "redeno", args: [...defaults, ...args] });
}

async function infoField(client: RespClient, name: string): Promise<string> {
  const text = String(await client.expect("INFO", "everything"));
  return new RegExp(`^${name}:(.*?)\r$`, "m").exec(text)?.[1] ?? "";
}

function isRdb(image: Uint8Array): boolean {
  return fromLatin1(image.subarray(0, 9)) === "REDIS0010" && image.at(-9) === 255;
}

Deno.test("by disk, a replica gets the file, and all that was written meanwhile", async () => {
  await using server = await start("--repl-diskless-sync", "no");
  using client = await server.connect();
  await client.expect("SET", "before", "1");
  using replica = await FakeReplica.connect(server.port, EOF);
  assertMatch(replica.answer, /^\+FULLRESYNC [0-9a-f]{40} 0$/);
  await client.expect("SET", "meanwhile", "2");
  await replica.takeImage();
  assert(isRdb(replica.image));
  assertMatch(fromLatin1(replica.image), /repl-stream-db.*repl-id.*repl-offset.*before/s);
  assert(!fromLatin1(replica.image).includes("meanwhile"));
  await client.expect("SET", "after", "3");
  const commands = await replica.takeUntil("SET after 3");
  assertEquals(commands, ["SELECT 0", "SET meanwhile 2", "SET after 3"]);
  assertEquals(replica.image, Deno.readFileSync(`${server.directory}/dump.rdb`));
});

Deno.test("without a disk, the stream follows when the replica has found the mark", async () => {
  await using server = await start();
  using client = await server.connect();
  await client.expect("SET", "before", "1");
  using replica = await FakeReplica.attach(server.port, EOF);
  assert(isRdb(replica.image));
  await client.expect("SET", "after", "2");
  await until("the replica is online", async () => {
    return (await infoField(client, "slave0")).includes("state=online");
  });
  assertEquals(replica.takeBytes().length, 0);
  await replica.acknowledge();
  assertEquals(await replica.takeUntil("SET after 2"), ["SELECT 0", "SET after 2"]);
  assertEquals([...Deno.readDirSync(server.directory)].length, 0);
});

Deno.test("a replica that cannot take a mark gets a file, and one that uses SYNC no answer", async () => {
  await using server = await start();
  using plain = await FakeReplica.connect(server.port);
  await plain.takeImage();
  assert(isRdb(plain.image));
  using old = await FakeReplica.attach(server.port, { isOld: true });
  assertEquals([old.answer, isRdb(old.image)], ["", true]);
});

Deno.test("replicas that come while a file is written get it, and the stream from its start", async () => {
  await using server = await start("--repl-diskless-sync", "no", "--rdb-key-save-delay", "20000");
  using client = await server.connect();
  for (let index = 0; index < 20; index++) await client.expect("SET", `key${index}`, "v");
  using first = await FakeReplica.connect(server.port, EOF);
  await client.expect("SET", "between", "1");
  using second = await FakeReplica.connect(server.port, EOF);
  assertEquals(second.answer, first.answer);
  // It has less to offer than those before: the image may be of no use to it.
  using third = await FakeReplica.connect(server.port, EOF);
  await Promise.all([first.takeImage(), second.takeImage(), third.takeImage()]);
  await client.expect("SET", "last", "1");
  for (const replica of [first, second]) {
    const commands = await replica.takeUntil("SET last 1");
    // The database is named again for each that came.
    const effects = commands.filter((command) => command !== "SELECT 0");
    assertEquals([commands[0], effects], ["SELECT 0", ["SET between 1", "SET last 1"]]);
  }
  assertEquals(await infoField(client, "rdb_saves"), "1");
  assertEquals(await infoField(client, "sync_full"), "3");
});

Deno.test("one who comes during a transfer without a disk gets the next one", async () => {
  await using server = await start("--rdb-key-save-delay", "20000");
  using client = await server.connect();
  for (let index = 0; index < 20; index++) await client.expect("SET", `key${index}`, "v");
  using first = await FakeReplica.connect(server.port, EOF);
  await client.expect("SET", "between", "1");
  const waiting = FakeReplica.attach(server.port, EOF);
  await first.takeImage();
  using second = await waiting;
  assert(fromLatin1(second.image).includes("between"));
  assert(!fromLatin1(first.image).includes("between"));
});

Deno.test("with a delay, the transfer waits for as many replicas as are enough", async () => {
  await using server = await start(
    "--repl-diskless-sync-delay",
    "3600",
    "--repl-diskless-sync-max-replicas",
    "2",
  );
  using client = await server.connect();
  const first = FakeReplica.attach(server.port, EOF);
  await until("one waits", async () => {
    return (await infoField(client, "slave0")).includes("state=wait_bgsave");
  });
  using second = await FakeReplica.attach(server.port, EOF);
  using one = await first;
  assertEquals(one.answer, second.answer);
  assertEquals(one.image, second.image);
});

Deno.test("a replica that wants the data alone is let go behind them", async () => {
  await using server = await start();
  using client = await server.connect();
  await client.expect("SET", "key", "v");
  for (const capa of ["eof", "psync2"]) {
    const announces = ["capa", capa, "rdb-only", "1"];
    using replica = await FakeReplica.attach(server.port, { announces });
    assert(isRdb(replica.image));
    await replica.untilClosed();
  }
  await until("they are gone", async () => await infoField(client, "connected_slaves") === "0");
});

Deno.test("of the data only the libraries may be asked for", async () => {
  await using server = await start("--repl-diskless-sync", "no");
  using client = await server.connect();
  await client.expect("SET", "key", "value");
  const library = "#!lua name=lib\nredis.register_function('f', function() end)";
  await client.expect("FUNCTION", "LOAD", library);
  const announces = ["capa", "eof", "rdb-filter-only", "functions"];
  using replica = await FakeReplica.attach(server.port, { announces });
  const image = fromLatin1(replica.image);
  assert(image.includes("register_function") && !image.includes("value"));
});

Deno.test("what was missed is enough, as long as the backlog has it", async () => {
  await using server = await start("--repl-backlog-size", "16kb");
  using client = await server.connect();
  let replica = await FakeReplica.attach(server.port, EOF);
  const { id } = replica;
  await replica.acknowledge();
  await client.expect("SET", "key", "1");
  await replica.takeUntil("SET key 1");
  const { offset } = replica;
  replica.close();
  await client.expect("SET", "key", "2");
  replica = await FakeReplica.connect(server.port, { ...EOF, from: { id, offset: offset + 1 } });
  assertEquals(replica.answer, `+CONTINUE ${id}`);
  assertEquals(await replica.takeUntil("SET key 2"), ["SET key 2"]);
  replica.close();
  await client.expect("SET", "key", "x".repeat(200_000));
  for (const from of [{ id, offset: offset + 1 }, { id: "f".repeat(40), offset: 1 }]) {
    replica = await FakeReplica.connect(server.port, { ...EOF, from });
    assertMatch(replica.answer, /^\+FULLRESYNC/);
    replica.close();
  }
  assertEquals(await infoField(client, "sync_partial_ok"), "1");
  assertEquals(await infoField(client, "sync_partial_err"), "2");
});

Deno.test("a replica that never reads costs no more than its limit, and the others nothing", async () => {
  await using server = await start(
    "--repl-backlog-size",
    "1mb",
    "--client-output-buffer-limit",
    "replica 4mb 0 0",
  );
  using client = await server.connect();
  using quick = await FakeReplica.attach(server.port, EOF);
  await quick.acknowledge();
  const slow = await FakeReplica.attach(server.port, EOF);
  await slow.acknowledge();
  await until("both follow", async () => {
    const text = String(await client.expect("INFO", "replication"));
    return text.split("state=online").length === 3;
  });
  slow.stopReading();
  let isGone = false;
  let heldMax = 0;
  for (let round = 0; round < 200 && !isGone; round++) {
    await client.expect("SET", "key", "x".repeat(250_000));
    heldMax = Math.max(heldMax, Number(await infoField(client, "mem_total_replication_buffers")));
    isGone = await infoField(client, "connected_slaves") === "1";
  }
  assert(isGone, "the slow replica is still there");
  assert(heldMax < 7 * 1024 * 1024, `${heldMax} bytes were held`);
  assertMatch(server.log, /closed for overcoming of output buffer limits/);
  await client.expect("SET", "last", "1");
  await quick.takeUntil("SET last 1");
  assertEquals(await infoField(client, "connected_slaves"), "1");
  slow.close();
});

Deno.test("during a transfer, a replica that takes nothing does not fill the memory", async () => {
  await using server = await start("--repl-timeout", "2");
  using client = await server.connect();
  await client.expect("DEBUG", "POPULATE", "2000", "key", "50000");
  // The child has been at work once.
  const first = await FakeReplica.attach(server.port, EOF);
  first.close();
  const before = Number(await infoField(client, "used_memory_rss"));
  const replica = await FakeReplica.connect(server.port, EOF);
  replica.stopReading();
  await until("it is given up", () => server.log.includes("nothing was heard of it"), 30_000);
  const after = Number(await infoField(client, "used_memory_rss"));
  assert(after - before < 60 * 1024 * 1024, `${after - before} bytes more`);
  // The child is free again.
  using next = await FakeReplica.attach(server.port, EOF);
  assert(isRdb(next.image) && next.image.length > 2000 * 500);
  replica.close();
});

Deno.test("a replica that sends something else than reports is let go", async () => {
  await using server = await start();
  for (const words of [["GET", "key"], ["PING"], ["nosuch"], ["REPLCONF", "listening-port", "1"]]) {
    using replica = await FakeReplica.attach(server.port, EOF);
    await replica.send(...words);
    await replica.untilClosed();
  }
  using replica = await FakeReplica.attach(server.port, EOF);
  await replica.send("REPLCONF", "ACK", "nonsense");
  await replica.send("REPLCONF", "ACK", "12");
  using client = await server.connect();
  await until("its report is known", async () => {
    return (await infoField(client, "slave0")).includes("offset=12,");
  });
});

Deno.test("FLUSHALL in the middle of a transfer ends it, and the replica can come again", async () => {
  await using server = await start("--rdb-key-save-delay", "20000");
  using client = await server.connect();
  for (let index = 0; index < 50; index++) await client.expect("SET", `key${index}`, "v");
  using first = await FakeReplica.connect(server.port, EOF);
  await client.expect("FLUSHALL");
  await first.untilClosed();
  await client.expect("SET", "new", "1");
  using second = await FakeReplica.attach(server.port, EOF);
  assert(fromLatin1(second.image).includes("new"));
});

Deno.test("BGSAVE says that it runs while a transfer does, and a file for replicas only may go", async () => {
  await using server = await start("--rdb-key-save-delay", "20000", "--rdb-del-sync-files", "yes");
  using client = await server.connect();
  for (let index = 0; index < 20; index++) await client.expect("SET", `key${index}`, "v");
  using replica = await FakeReplica.connect(server.port, EOF);
  assertMatch(String(await client.call("BGSAVE")), /Background save already in progress/);
  assertEquals(await infoField(client, "rdb_bgsave_in_progress"), "1");
  await replica.takeImage();
  using plain = await FakeReplica.connect(server.port);
  await plain.takeImage();
  await until("the file is gone", () => [...Deno.readDirSync(server.directory)].length === 0);
});

Deno.test("WAIT counts replicas that have what this client wrote", async () => {
  await using server = await start("--repl-diskless-sync", "no");
  using client = await server.connect();
  using replica = await FakeReplica.attach(server.port);
  await client.expect("SET", "key", "1");
  const waiting = client.expect("WAIT", "1", "0");
  const commands = await replica.takeUntil("REPLCONF GETACK *");
  assertEquals(commands, ["SELECT 0", "SET key 1", "REPLCONF GETACK *"]);
  await replica.acknowledge();
  assertEquals(await waiting, 1);
  const bytes = replica.takeBytes();
  assertEquals(commandsOf(bytes, bytes.length).filter(([name]) => name !== "PING"), []);
});

Deno.test("writers are refused while too few replicas keep up", async () => {
  await using server = await start("--min-replicas-to-write", "1");
  using client = await server.connect();
  const refusal = /NOREPLICAS Not enough good replicas to write/;
  assertMatch(String(await client.call("SET", "key", "1")), refusal);
  assertMatch(String(await client.call("EVAL", "return redis.call('set','a',1)", "0")), refusal);
  using replica = await FakeReplica.attach(server.port, EOF);
  await replica.acknowledge();
  await until("the replica counts", async () => await client.call("SET", "key", "1") === "OK");
  assertEquals(await infoField(client, "min_slaves_good_slaves"), "1");
  replica.close();
  await until("it is gone", async () => refusal.test(String(await client.call("SET", "a", "1"))));
  assertEquals(await client.call("GET", "key"), "1");
});
