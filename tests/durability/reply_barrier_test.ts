/**
 * Reply barrier: with `appendfsync always`, which replies wait for the disk. Real sockets, carried
 * by epoll and by the runtime, plain and over TLS, and a disk whose syncs end when the test says.
 *
 * That a reply does not come is seen by what came later and is there: of two other clients one has
 * been served after it, twice.
 */
import { assert, assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { commandRows } from "../../src/commands/table.ts";
import { Argv } from "../../src/protocol/argv.ts";
import type { Client } from "../../src/session/client.ts";
import { type Call, COMMAND_WRITE } from "../../src/session/command.ts";
import { CommandTable } from "../../src/session/command_table.ts";
import { EventLoop } from "../../src/net/event_loop.ts";
import { ReplyBarrier } from "../../src/durability/reply_barrier.ts";
import type { Server } from "../../src/server/server.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { type Argument, RespClient } from "../support/resp_client.ts";
import { type Plain } from "../support/resp_reply.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { SimulatedFiles } from "../support/simulated_files.ts";
import { Certificates } from "../support/certificates.ts";
import { freePort } from "../support/server_process.ts";
import { missingReason, testUnless } from "../support/tool_availability.ts";
import { ProcessEnded } from "../crash/crash_run.ts";

/** A reply on its way. */
class Pending {
  isHere = false;
  readonly reply: Promise<Plain>;

  constructor(reply: Promise<Plain>) {
    this.reply = reply.then((value) => {
      this.isHere = true;
      return value;
    });
  }
}

class Setup implements AsyncDisposable {
  readonly files = new SimulatedFiles();
  readonly server: Server;
  readonly exits: number[] = [];
  readonly #clients: RespClient[] = [];
  /** Those that clients come with, if they come over TLS. */
  readonly #certificates: Certificates | null;
  #witness!: RespClient;

  private constructor(eventLoop: EventLoop | null, certificates: Certificates | null) {
    this.#certificates = certificates;
    const directives: [string, string][] = [
      ["appendonly", "yes"],
      ["appendfsync", "always"],
      ["redis-version", "7.4"],
    ];
    const exit = (code: number): never => {
      this.exits.push(code);
      throw new ProcessEnded(`exit ${code}`);
    };
    const { server } = new EmbeddedServer(directives, { files: this.files, eventLoop, exit });
    this.server = server;
    server.config.dir = "/data";
    // Who reads, and how quick the disk is, would decide it.
    const choose = server.barrier.choose.bind(server.barrier);
    server.barrier.choose = () => {
      const choice = choose();
      return choice === "now" ? "aside" : choice;
    };
  }

  static async start(transport: Transport): Promise<Setup> {
    const eventLoop = transport === "runtime" ? null : await EventLoop.open();
    const certificates = transport === "tls" ? await Certificates.create() : null;
    const setup = new Setup(eventLoop, certificates);
    const { config, listeners, persistence } = setup.server;
    await persistence.loadAtStart();
    if (certificates === null) listeners.openAnyPort();
    else {
      const tlsCertFile = certificates.path("server.crt");
      const tlsKeyFile = certificates.path("server.key");
      const tlsCaCertFile = certificates.path("ca.crt");
      Object.assign(config, { tlsCertFile, tlsKeyFile, tlsCaCertFile, tlsAuthClients: "no" });
      Object.assign(config, { port: 0, bind: ["127.0.0.1"], tlsPort: freePort() });
      listeners.open();
    }
    listeners.accept();
    setup.#witness = await setup.connect();
    return setup;
  }

  async connect(...first: Argument[]): Promise<RespClient> {
    const { config, listeners } = this.server;
    const client = this.#certificates === null
      ? await RespClient.connect(listeners.port)
      : await RespClient.connectTls(config.tlsPort, this.#certificates.text("ca.crt"));
    this.#clients.push(client);
    await client.expect(...(first.length > 0 ? first : ["PING"]));
    return client;
  }

  /** Sends a request and waits until it has been carried out, which its reply need not tell. */
  async begin(client: RespClient, ...request: Argument[]): Promise<Pending> {
    const { statistics } = this.server;
    const before = statistics.commandsProcessed;
    await client.send(...request);
    const pending = new Pending(client.receive());
    while (statistics.commandsProcessed === before) await round();
    return pending;
  }

  /** Asserts that something has not come, although what was sent later has. */
  async expectHeld(...pending: Pending[]): Promise<void> {
    for (let count = 0; count < 2; count++) await this.#witness.expect("PING");
    assertEquals(pending.map(({ isHere }) => isHere), pending.map(() => false));
  }

  /** The sync under way comes to its end. */
  completeSync(): void {
    assertEquals(this.files.pendingSyncCount, 1);
    this.files.completeSyncs();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client[Symbol.dispose]();
    this.files.failure = null;
    this.files.syncsAtOnce = true;
    this.files.completeSyncs();
    // The process has ended; nothing comes of its file any more.
    if (this.exits.length > 0) this.server.persistence.aof.writer.abandon();
    await this.server.close();
    await this.#certificates?.[Symbol.asyncDispose]();
  }
}

/** The loops have their turn. */
function round(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

type Transport = "epoll" | "runtime" | "tls";
const HINDRANCES: Readonly<Record<Transport, string | null>> = {
  epoll: missingReason("epoll"),
  runtime: null,
  // The loop runs beside, where there is one.
  tls: missingReason("openssl"),
};

function testAll(name: string, run: (setup: Setup) => Promise<void>): void {
  for (const transport of ["epoll", "runtime", "tls"] as const) {
    const fn = async () => {
      await using setup = await Setup.start(transport);
      await run(setup);
    };
    testUnless(HINDRANCES[transport], { name: `${transport}: ${name}`, fn });
  }
}

testAll("a writer and who reads its key wait for the sync, others for nobody", async (setup) => {
  const [writer, same, other] = [
    await setup.connect(),
    await setup.connect(),
    await setup.connect(),
  ];
  const written = await setup.begin(writer, "SET", "k", "v");
  const seen = await setup.begin(same, "MGET", "a", "k");
  assertEquals(await other.call("GET", "a"), null);
  assertEquals(await other.call("EXISTS", "a", "b"), 0);
  assertEquals(await other.call("ECHO", "hello"), "hello");
  await setup.expectHeld(written, seen);
  setup.completeSync();
  assertEquals(await written.reply, "OK");
  assertEquals(await seen.reply, [null, "v"]);
  assertEquals(await same.call("GET", "k"), "v");
});

testAll(
  "who may have seen anything waits: scans, scripts, INFO, an EXEC that read",
  async (setup) => {
    const writer = await setup.connect();
    const [scans, runs, asks, executes] = [
      await setup.connect(),
      await setup.connect(),
      await setup.connect(),
      await setup.connect(),
    ];
    const written = await setup.begin(writer, "SADD", "s", "1");
    const pending = [
      await setup.begin(scans, "DBSIZE"),
      await setup.begin(runs, "EVAL", "return 1", 0),
      await setup.begin(asks, "INFO", "keyspace"),
    ];
    await executes.expectMany([["MULTI"], ["GET", "a"], ["SCARD", "s"]]);
    pending.push(await setup.begin(executes, "EXEC"));
    await setup.expectHeld(written, ...pending);
    // One that read other keys only does not.
    const free = await setup.connect();
    await free.expectMany([["MULTI"], ["GET", "a"]]);
    assertEquals(await free.call("EXEC"), [null]);
    setup.completeSync();
    assertEquals(await written.reply, 1);
    assertEquals(await pending[0]!.reply, 1);
    assertEquals(await pending[3]!.reply, [null, 1]);
  },
);

testAll("writes of an EXEC and of a script wait, and who reads what they wrote", async (setup) => {
  const [first, second, reader] = [
    await setup.connect(),
    await setup.connect(),
    await setup.connect(),
  ];
  await first.expectMany([["MULTI"], ["SET", "k", "1"], ["GET", "a"]]);
  const executed = await setup.begin(first, "EXEC");
  const scripted = await setup.begin(second, "EVAL", "return redis.call('INCR', KEYS[1])", 1, "n");
  const read = await setup.begin(reader, "GET", "k");
  await setup.expectHeld(executed, scripted, read);
  setup.completeSync();
  assertEquals(await executed.reply, ["OK", null]);
  assertEquals(await read.reply, "1");
  // The script came when that sync had begun; it needs the next one.
  await setup.expectHeld(scripted);
  setup.completeSync();
  assertEquals(await scripted.reply, 1);
});

testAll("a client that a write wakes waits with the writer", async (setup) => {
  const [waiter, writer] = [await setup.connect(), await setup.connect()];
  const woken = await setup.begin(waiter, "BLPOP", "l", 0);
  const written = await setup.begin(writer, "RPUSH", "l", "x");
  await setup.expectHeld(woken, written);
  setup.completeSync();
  assertEquals(await woken.reply, ["l", "x"]);
  assertEquals(await written.reply, 1);
});

testAll("messages and events wait for the write that they may tell of", async (setup) => {
  const [subscriber, writer, publisher] = [
    await setup.connect("CONFIG", "SET", "notify-keyspace-events", "KEA"),
    await setup.connect(),
    await setup.connect(),
  ];
  await subscriber.expect("SUBSCRIBE", "news", "__keyspace@0__:k");
  assertEquals(await subscriber.receive(), ["subscribe", "__keyspace@0__:k", 2]);
  const written = await setup.begin(writer, "SET", "k", "v");
  const event = new Pending(subscriber.receive());
  const published = await setup.begin(publisher, "PUBLISH", "news", "k is set");
  await setup.expectHeld(written, event, published);
  setup.completeSync();
  assertEquals(await event.reply, ["message", "__keyspace@0__:k", "set"]);
  assertEquals(await subscriber.receive(), ["message", "news", "k is set"]);
  assertEquals(await published.reply, 1);
});

testAll("an invalidation waits for the write that it tells of", async (setup) => {
  const [cache, writer] = [await setup.connect("HELLO", 3), await setup.connect()];
  await cache.expect("CLIENT", "TRACKING", "ON");
  await cache.call("GET", "k");
  const written = await setup.begin(writer, "SET", "k", "v");
  const push = new Pending(cache.nextPush());
  await setup.expectHeld(written, push);
  setup.completeSync();
  assertEquals(await push.reply, ["invalidate", ["k"]]);
});

testAll(
  "replies of one client leave in order, each when its own sync has ended",
  async (setup) => {
    const [client, other] = [await setup.connect(), await setup.connect()];
    const first = await setup.begin(client, "SET", "a", "1");
    const { commandsProcessed } = setup.server.statistics;
    await client.writeBytes(new TextEncoder().encode("GET x\r\nSET b 2\r\nPING\r\n"));
    while (setup.server.statistics.commandsProcessed < commandsProcessed + 3) await round();
    await setup.expectHeld(first);
    setup.completeSync();
    assertEquals(await first.reply, "OK");
    const rest = new Pending(client.receive());
    await setup.expectHeld(rest);
    assertEquals(await other.call("GET", "a"), "1");
    setup.completeSync();
    assertEquals([await rest.reply, await client.receive(), await client.receive()], [
      null,
      "OK",
      "PONG",
    ]);
  },
);

testAll("a client that always has more requests under way gets its replies", async (setup) => {
  const client = await setup.connect();
  let pending = await setup.begin(client, "INCR", "n");
  for (let count = 2; count < 6; count++) {
    const { commandsProcessed } = setup.server.statistics;
    await client.send("INCR", "n");
    while (setup.server.statistics.commandsProcessed === commandsProcessed) await round();
    setup.completeSync();
    assertEquals(await pending.reply, count - 1);
    pending = new Pending(client.receive());
    await setup.expectHeld(pending);
  }
  setup.completeSync();
  assertEquals(await pending.reply, 5);
});

testAll(
  "QUIT and a half-closed connection get what they are owed, and then the end",
  async (setup) => {
    const [quits, halves] = [await setup.connect(), await setup.connect()];
    const written = await setup.begin(quits, "SET", "a", "1");
    await quits.send("QUIT");
    const halved = await setup.begin(halves, "GET", "a");
    await halves.connection.closeWrite();
    await setup.expectHeld(written, halved);
    setup.completeSync();
    assertEquals([await written.reply, await quits.receive()], ["OK", "OK"]);
    assertEquals(await quits.connection.read(new Uint8Array(1)), null);
    assertEquals(await halved.reply, "1");
    assertEquals(await halves.connection.read(new Uint8Array(1)), null);
  },
);

testAll("CLIENT KILL of one that waits harms nobody", async (setup) => {
  const [victim, killer] = [await setup.connect(), await setup.connect()];
  const id = await victim.expect("CLIENT", "ID") as number;
  const written = await setup.begin(victim, "SET", "a", "1");
  written.reply.catch(() => {});
  assertEquals(await killer.call("CLIENT", "KILL", "ID", id), 1);
  setup.completeSync();
  assertEquals(await killer.call("GET", "a"), "1");
  assertEquals(written.isHere, false);
});

for (
  const change of [
    ["CONFIG", "SET", "appendfsync", "everysec"],
    ["CONFIG", "SET", "appendfsync", "no"],
    ["CONFIG", "SET", "appendonly", "no"],
  ]
) {
  testAll(
    `${change.slice(2).join(" ")}: what waits is synced at once, and leaves`,
    async (setup) => {
      const [first, second, admin] = [
        await setup.connect(),
        await setup.connect(),
        await setup.connect(),
      ];
      const one = await setup.begin(first, "SET", "a", "1");
      const two = await setup.begin(second, "SET", "b", "2");
      await setup.expectHeld(one, two);
      assertEquals(await admin.call(...change), "OK");
      assertEquals([await one.reply, await two.reply], ["OK", "OK"]);
      const path = setup.files.paths().find((each) => each.endsWith(".incr.aof"))!;
      const afterLoss = setup.files.afterPowerLoss("dropped", new SeededRandom(1));
      assertEquals(afterLoss.content(path), setup.files.content(path));
      assert(setup.files.content(path).length > 0);
      setup.completeSync();
      assertEquals(await first.call("GET", "b"), "2");
    },
  );
}

testAll("a rewrite and WAITAOF see what is safe", async (setup) => {
  const [client, admin] = [await setup.connect(), await setup.connect()];
  const written = await setup.begin(client, "SET", "a", "1");
  await client.send("WAITAOF", 1, 0, 0);
  await setup.expectHeld(written);
  setup.completeSync();
  assertEquals([await written.reply, await client.receive()], ["OK", [1, 0]]);
  const again = await setup.begin(client, "SET", "a", "2");
  const started = await setup.begin(admin, "BGREWRITEAOF");
  assertEquals(await again.reply, "OK");
  await started.reply;
  setup.completeSync();
});

testAll("a sync that fails ends the process, and nothing that waits leaves", async (setup) => {
  const [writer, reader, next] = [
    await setup.connect(),
    await setup.connect(),
    await setup.connect(),
  ];
  const one = await setup.begin(writer, "SET", "a", "1");
  await setup.expectHeld(one);
  setup.files.failure = (name) => name === "syncData" ? "EIO" : null;
  // The next sync fails, which is of these two.
  const two = await setup.begin(next, "SET", "b", "1");
  const three = await setup.begin(reader, "GET", "b");
  for (const { reply } of [two, three]) reply.catch(() => {});
  setup.completeSync();
  assertEquals(await one.reply, "OK");
  while (setup.exits.length === 0) await round();
  for (let count = 0; count < 100; count++) await round();
  assertEquals([setup.exits[0], two.isHere, three.isHere], [1, false, false]);
});

// ------------------------------------------------------------------------- when a sync is made

/** A barrier alone, with commands that only change something, or do not. */
class Alone {
  readonly turn = { servesOne: false, ends: 0, schedule: () => void this.turn.ends++ };
  readonly calls = { depth: 0 };
  mustSyncInTurn = false;
  readonly barrier = new ReplyBarrier({
    calls: this.calls,
    turn: this.turn,
    mustSyncInTurn: () => this.mustSyncInTurn,
  });
  readonly #rows = new CommandTable(commandRows);

  constructor() {
    this.barrier.isKept = true;
    clock.setTimeForTests(1_000_000);
  }

  /** A client's command; returns the round that its reply waits for, if that is not safe. */
  run(client: Client, ...words: string[]): number {
    const argv = Argv.of(...words);
    const command = this.#rows.find(argv, 0)!;
    this.calls.depth = 1;
    const call = { client, command, argv, effects: null } as unknown as Call;
    const isWrite = (command.bits & COMMAND_WRITE) !== 0;
    this.barrier.commandRan(call, isWrite);
    this.calls.depth = 0;
    if (this.barrier.isOpen) this.barrier.unitEnded(client);
    return client.heldRound > this.barrier.safeRound ? client.heldRound : 0;
  }

  /** A client writes, and a sync is made for that. */
  syncOf(client: Client): void {
    this.run(client, "SET", "k", "v");
    this.barrier.syncNow(() => {});
  }
}

function someClients(count: number): Client[] {
  return Array.from({ length: count }, () => ({ heldRound: 0 }) as Client);
}

function testAlone(name: string, run: (alone: Alone) => void): void {
  Deno.test(name, () => {
    try {
      run(new Alone());
    } finally {
      clock.useRealTime();
    }
  });
}

testAlone("a sync runs within the turn for writers alone, aside if there are readers", (alone) => {
  const { barrier } = alone;
  const [writer, reader] = someClients(2);
  alone.run(writer!, "SET", "k", "v");
  assertEquals(barrier.choose(), "now");
  for (let count = 0; count < 20; count++) {
    for (let reads = 0; reads < 4; reads++) alone.run(reader!, "GET", "x");
    alone.syncOf(writer!);
  }
  alone.run(writer!, "SET", "k", "v");
  assertEquals(barrier.choose(), "aside");
  alone.turn.servesOne = true;
  assertEquals(barrier.choose(), "now");
  alone.turn.servesOne = false;
  // One sync after the other.
  barrier.begin();
  assertEquals(barrier.choose(), "later");
  alone.mustSyncInTurn = true;
  assertEquals(barrier.choose(), "now");
});

testAlone(
  "while a command runs that has changed something, no sync takes it for recorded",
  (alone) => {
    const { barrier, calls } = alone;
    const [before, other] = someClients(2);
    assertEquals(alone.run(before!, "SET", "a", "1"), 1);
    calls.depth = 1;
    barrier.noteKey(new Uint8Array([1]), 0, 1);
    assertEquals(barrier.choose(), "later");
    // A sync that is made all the same is not of it.
    barrier.endAll();
    barrier.hold(other!);
    assertEquals([barrier.safeRound < other!.heldRound, barrier.isOpen], [true, true]);
    calls.depth = 0;
    barrier.endAll();
    assertEquals([barrier.safeRound >= other!.heldRound, barrier.isOpen], [true, false]);
  },
);

testAlone("what a command sees is found by its keys, wherever they stand", (alone) => {
  const { barrier } = alone;
  const [writer, ...readers] = someClients(20);
  alone.run(writer!, "MSET", "a", "1", "b", "1");
  const round = barrier.begin();
  alone.run(writer!, "XACK", "stream", "group", "1-1");
  const waits = (...words: string[]) => alone.run(readers.pop()!, ...words);
  assertEquals([waits("GET", "a"), waits("GET", "b"), waits("MGET", "x", "b")], [1, 1, 1]);
  assertEquals([waits("GET", "1"), waits("PING"), waits("SELECT", "2")], [0, 0, 0]);
  assertEquals([waits("XREAD", "COUNT", "1", "STREAMS", "stream", "0")], [2]);
  assertEquals([waits("ZUNION", "2", "x", "a"), waits("SORT_RO", "x", "BY", "w_*")], [1, 2]);
  assertEquals([waits("DBSIZE"), waits("EVAL", "return 1", "0"), waits("EXEC")], [2, 2, 2]);
  barrier.end(round);
  assertEquals([waits("GET", "a"), waits("XLEN", "stream"), waits("DBSIZE")], [0, 2, 2]);
});
