/**
 * The master link, with a master that says what the test wants: what a replica does with good data
 * and with bad ones, what it tells others meanwhile, how it gets back to its master.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { Log } from "../../src/base/log.ts";
import { GATE_MISCONF } from "../../src/session/gates.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import {
  type Conversation,
  FakeMaster,
  framed,
  rdbOf,
  replicationId,
  stream,
} from "../support/fake_master.ts";
import { concatBytes, latin1, settle, until } from "../support/text.ts";

const RDB = rdbOf("SET a 1\nRPUSH b 1 2 3");
const A = replicationId("a");
const B = replicationId("b");

/** A server that follows a fake master; its log is kept. */
class Replica implements AsyncDisposable {
  readonly embedded: EmbeddedServer;
  readonly directory = Deno.makeTempDirSync({ prefix: "redeno_test_" });
  log = "";
  /** With which the server would have ended; null: it goes on. */
  exitCode: number | null = null;

  constructor(directives: readonly (readonly [string, string])[] = []) {
    const log = new Log((text) => {
      this.log += text;
    });
    const exit = (code: number) => {
      this.exitCode = code;
      return undefined as never;
    };
    this.embedded = new EmbeddedServer([["dir", this.directory], ...directives], { log, exit });
  }

  get link() {
    return this.embedded.server.masterLink;
  }

  run(words: string) {
    return this.embedded.run(...words.split(" "));
  }

  /** Calls what cron would call each second, until the log has a text. */
  async untilLogged(text: string): Promise<void> {
    await until(`the log has "${text}":\n${this.log}`, () => this.log.includes(text));
  }

  async untilState(state: string): Promise<void> {
    await until(`the link is "${state}":\n${this.log}`, () => this.link.state === state);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await settle();
    await this.embedded.server.close();
    this.embedded[Symbol.dispose]();
    await Deno.remove(this.directory, { recursive: true });
  }
}

/** A replica that has just got all data from a master. */
async function synchronized(replica: Replica, master: FakeMaster, rdb = RDB) {
  replica.link.follow(master.address);
  const conversation = await master.accept();
  await conversation.greet();
  await conversation.sendAll(rdb, A, 100);
  await replica.untilState("connected");
  return conversation;
}

/** The offset that the replica tells when it is asked. */
async function askedOffset(conversation: Conversation): Promise<string> {
  await conversation.sendRequest("REPLCONF", "GETACK", "*");
  return (await conversation.requestOf("REPLCONF"))[2];
}

function field(replica: Replica, name: string): string {
  const text = String(replica.run("INFO replication"));
  return new RegExp(`^${name}:(.*)\r$`, "m").exec(text)?.[1] ?? "";
}

Deno.test("a replica has the data of its master and follows its stream", async () => {
  await using replica = new Replica();
  using master = new FakeMaster();
  replica.run("SET old 1");
  const conversation = await synchronized(replica, master);
  assertEquals(replica.run("KEYS *"), ["a", "b"]);
  await conversation.send(stream("SELECT 3\nSET c 5\nMULTI\nINCR c\nINCR c\nEXEC"));
  await until("the stream is applied", () => {
    replica.run("SELECT 3");
    return replica.run("GET c") === "7";
  });
  assertEquals(field(replica, "master_link_status"), "up");
  assertEquals(field(replica, "master_replid"), A);
});

Deno.test("an acknowledged offset counts the bytes applied, a transaction at its end", async () => {
  await using replica = new Replica();
  using master = new FakeMaster();
  const conversation = await synchronized(replica, master);
  assertEquals(await askedOffset(conversation), "100");
  const asking = stream("REPLCONF GETACK *").length;
  // The request itself is not counted until it is over.
  assertEquals(await askedOffset(conversation), String(100 + asking));
  const begun = stream("SET x 1\nMULTI\nINCR x");
  await conversation.send(begun);
  await until("the transaction has begun", () => replica.run("GET x") === "1");
  const before = 100 + 2 * asking + stream("SET x 1").length;
  await until("all is read", () => Number(field(replica, "slave_read_repl_offset")) >= before + 10);
  assertEquals(field(replica, "slave_repl_offset"), String(before));
  assertEquals(field(replica, "master_repl_offset"), String(before));
  await conversation.send(stream("EXEC"));
  await until("the transaction is over", () => replica.run("GET x") === "2");
  const after = 100 + 2 * asking + begun.length + stream("EXEC").length;
  assertEquals(field(replica, "slave_repl_offset"), String(after));
});

Deno.test("the stream may be cut anywhere, and begins right behind the RDB", async () => {
  await using replica = new Replica();
  using master = new FakeMaster();
  replica.link.follow(master.address);
  const conversation = await master.accept();
  await conversation.greet();
  const mark = "m".repeat(38) + "ne";
  const bytes = concatBytes([
    latin1(`+FULLRESYNC ${A} 0\r\n\n\n$EOF:${mark}\r\n`),
    RDB,
    latin1(mark),
    stream("SET x hello\nPING\nAPPEND x ,world"),
  ]);
  for (let at = 0; at < bytes.length; at += 13) await conversation.send(bytes.slice(at, at + 13));
  await until("the stream is applied", () => replica.run("GET x") === "hello,world");
  // A master that uses a mark waits for this.
  assertEquals((await conversation.requestOf("REPLCONF")).slice(0, 2), ["REPLCONF", "ACK"]);
});

Deno.test("a broken link goes on where it was, also from the middle of a transaction", async () => {
  await using replica = new Replica();
  using master = new FakeMaster();
  const first = await synchronized(replica, master);
  await first.send(stream("SET x 1\nMULTI\nINCR x"));
  await until("x is there", () => replica.run("GET x") === "1");
  first.close();
  const second = await master.accept();
  const offset = 100 + stream("SET x 1").length;
  assertEquals(await second.greet(), ["PSYNC", A, String(offset + 1)]);
  await second.send(`+CONTINUE\r\n`);
  await second.send(stream("MULTI\nINCR x\nEXEC"));
  await until("x is 2", () => replica.run("GET x") === "2");
});

Deno.test("a master that goes on under another id is followed under both", async () => {
  await using replica = new Replica();
  using master = new FakeMaster();
  const first = await synchronized(replica, master);
  first.close();
  const second = await master.accept();
  await second.greet();
  await second.send(`+CONTINUE ${B}\r\n`);
  await replica.untilState("connected");
  assertEquals(field(replica, "master_replid"), B);
  assertEquals(field(replica, "master_replid2"), A);
  assertEquals(field(replica, "second_repl_offset"), "101");
});

Deno.test("a promoted replica keeps its history under its second id", async () => {
  await using replica = new Replica();
  using master = new FakeMaster();
  await synchronized(replica, master);
  replica.run("REPLICAOF NO ONE");
  assertEquals(field(replica, "role"), "master");
  assertEquals(field(replica, "master_replid2"), A);
  assertEquals(field(replica, "second_repl_offset"), "101");
  assert(field(replica, "master_replid") !== A);
  assertEquals(replica.run("SET own 1"), "OK");
});

Deno.test("a master that becomes a replica asks for the rest of its own history first", async () => {
  await using replica = new Replica();
  using master = new FakeMaster();
  const id = field(replica, "master_replid");
  replica.link.follow(master.address);
  const conversation = await master.accept();
  assertEquals(await conversation.greet(), ["PSYNC", id, "1"]);
});

const BAD_DATA: readonly (readonly [what: string, wire: Uint8Array, reason: string])[] = [
  ["garbage", latin1("HTTP/1.1 400 Bad Request\r\n\r\n"), "HTTP/1.1"],
  ["an error", latin1("-ERR disk full\r\n"), "disk full"],
  ["data that are no RDB", framed(latin1("nonsense".repeat(9))), "no RDB"],
  ["an unknown version", framed(concatBytes([latin1("REDIS0077"), RDB.subarray(9)])), "version 77"],
  ["a wrong checksum", framed(RDB.map((byte, at) => at === 60 ? byte ^ 4 : byte)), "checksum"],
  ["an RDB without its end", framed(RDB.subarray(0, 60)), "checksum"],
];

for (const [what, wire, reason] of BAD_DATA) {
  Deno.test(`data stay when the master sends ${what}`, async () => {
    await using replica = new Replica();
    using master = new FakeMaster();
    replica.run("SET old 1");
    replica.link.follow(master.address);
    const first = await master.accept();
    await first.greet();
    await first.send(`+FULLRESYNC ${A} 0\r\n`);
    await first.send(wire);
    await replica.untilLogged(reason);
    assertStringIncludes(replica.log, `the master 127.0.0.1:${master.port}: `);
    assertEquals(replica.run("GET old"), "1");
    assertEquals(field(replica, "master_link_status"), "down");
    // The next try, a second later, goes well.
    await until("it tries again", () => {
      replica.link.tick(clock.systemMs());
      return replica.link.state !== "connect";
    });
    const second = await master.accept();
    await second.greet();
    await second.sendAll(RDB, A, 0);
    await replica.untilState("connected");
    assertEquals(replica.run("KEYS *"), ["a", "b"]);
    assertEquals([...Deno.readDirSync(replica.directory)].map(({ name }) => name), ["dump.rdb"]);
  });
}

Deno.test("data stay when the connection breaks in the middle of the RDB", async () => {
  await using replica = new Replica();
  using master = new FakeMaster();
  replica.run("SET old 1");
  replica.link.follow(master.address);
  const conversation = await master.accept();
  await conversation.greet();
  await conversation.send(`+FULLRESYNC ${A} 0\r\n`);
  await conversation.send(framed(RDB).slice(0, 70));
  await replica.untilState("sync");
  conversation.close();
  await replica.untilState("connect");
  assertEquals(replica.run("GET old"), "1");
  await until("nothing is left of it", () => [...Deno.readDirSync(replica.directory)].length === 0);
});

Deno.test("a wrong password is told in the log, and data stay", async () => {
  await using replica = new Replica([["masterauth", "wrong"]]);
  using master = new FakeMaster();
  replica.run("SET old 1");
  replica.link.follow(master.address);
  const conversation = await master.accept();
  assertEquals(await conversation.request(), ["PING"]);
  await conversation.send("-NOAUTH Authentication required.\r\n");
  assertEquals(await conversation.request(), ["AUTH", "wrong"]);
  await conversation.send("-WRONGPASS invalid username-password pair\r\n");
  await replica.untilLogged("does not take our password: WRONGPASS");
  assertEquals(replica.run("GET old"), "1");
});

Deno.test("a silent master is given up after repl-timeout, whatever it was about to do", async () => {
  await using replica = new Replica([["repl-timeout", "5"]]);
  using master = new FakeMaster();
  replica.link.follow(master.address);
  const stalled = await master.accept();
  await stalled.request();
  replica.link.tick(clock.systemMs() + 4000);
  assertEquals(replica.link.state, "handshake");
  replica.link.tick(clock.systemMs() + 6000);
  assertStringIncludes(replica.log, "repl-timeout");
  replica.link.tick(clock.systemMs());
  const inTransfer = await master.accept();
  await inTransfer.greet();
  await inTransfer.send(`+FULLRESYNC ${A} 0\r\n`);
  await replica.untilState("sync");
  replica.link.tick(clock.systemMs() + 6000);
  assertEquals(replica.link.state, "connect");
  replica.link.tick(clock.systemMs());
  const inStream = await master.accept();
  await inStream.greet();
  await inStream.sendAll(RDB);
  await replica.untilState("connected");
  replica.link.tick(clock.systemMs() + 6000);
  // From a link that worked it is a short way back.
  assertEquals((await (await master.accept()).greet())[1], A);
});

Deno.test("commands that fail here and did not there are told, and counted", async () => {
  await using replica = new Replica();
  using master = new FakeMaster();
  const conversation = await synchronized(replica, master);
  await conversation.send(stream("LPUSH a 1\nNOSUCHCOMMAND x\nSET z 1"));
  await until("the stream goes on", () => replica.run("GET z") === "1");
  assertStringIncludes(replica.log, "'lpush' of its master");
  assertStringIncludes(replica.log, "unknown command 'NOSUCHCOMMAND'");
  const counted = /unexpected_error_replies:(\d+)/.exec(String(replica.run("INFO stats")))?.[1];
  assertEquals(counted, "2");
});

Deno.test("the master's keys do not expire by themselves, but are not shown", async () => {
  await using replica = new Replica();
  using master = new FakeMaster();
  const conversation = await synchronized(replica, master);
  await conversation.send(stream("SET x 1 PX 1\nSET y 1"));
  await until("y is there", () => replica.run("GET y") === "1");
  await until("x is not shown", () => replica.run("GET x") === null);
  replica.embedded.server.runCron();
  assertEquals(replica.run("DBSIZE"), 4);
  assertEquals(replica.run("EXISTS x"), 0);
  // To the master it is still there.
  await conversation.send(stream("APPEND x 2\nPERSIST x\nSET y 2"));
  await until("y is 2", () => replica.run("GET y") === "2");
  assertEquals(replica.run("GET x"), "12");
});

Deno.test("who waits for a key is told that the server is a replica now", async () => {
  await using replica = new Replica();
  using master = new FakeMaster();
  const waiting = replica.embedded.connect();
  waiting.send("BLPOP", "list", "0");
  replica.link.follow(master.address);
  assertStringIncludes(waiting.takeRaw(), "-UNBLOCKED force unblock from blocking operation");
});

for (const mode of ["on-empty-db", "swapdb"]) {
  Deno.test(`with repl-diskless-load ${mode} an empty server needs no file`, async () => {
    await using replica = new Replica([["repl-diskless-load", mode]]);
    using master = new FakeMaster();
    await synchronized(replica, master);
    assertEquals(replica.run("KEYS *"), ["a", "b"]);
    assertStringIncludes(replica.log, "into memory");
    assertEquals([...Deno.readDirSync(replica.directory)], []);
  });
}

Deno.test("a newer format is loaded beside the data, which stay if it cannot be read", async () => {
  await using replica = new Replica();
  using master = new FakeMaster();
  replica.run("SET old 1");
  replica.link.follow(master.address);
  const conversation = await master.accept();
  await conversation.greet();
  // An array of Redis 8.8, without a checksum.
  const body = concatBytes([latin1("REDIS0012"), Uint8Array.of(254, 0, 28, 1, 104, 255)]);
  await conversation.sendAll(concatBytes([body, new Uint8Array(8)]));
  await replica.untilLogged("the present data stay");
  assertStringIncludes(replica.log, "has type array");
  assertEquals(replica.run("GET old"), "1");
});

Deno.test("who writes to a replica meets no key that has expired", async () => {
  await using replica = new Replica([["replica-read-only", "no"]]);
  using master = new FakeMaster();
  const conversation = await synchronized(replica, master);
  await conversation.send(stream("SET x 1 PX 1\nSET y 1 PX 1\nSET z 1 PX 1\nSET end 1"));
  await until("the stream is applied", () => replica.run("GET end") === "1");
  await until("all have expired", () => replica.run("EXISTS x y z") === 0);
  assertEquals(replica.run("DBSIZE"), 6);
  assertEquals(replica.run("LPUSH x a b"), 2);
  assertEquals(replica.run("SET y 2 KEEPTTL"), "OK");
  assertEquals(replica.run("RENAME a z"), "OK");
  assertEquals(replica.run("DBSIZE"), 5);
  assertEquals(replica.run("MGET y z"), ["2", "1"]);
  assertEquals(replica.run("TTL y"), -1);
});

Deno.test("a replica that cannot save what its master does ends, unless told otherwise", async () => {
  for (const mayIgnore of ["no", "yes"]) {
    await using replica = new Replica([
      ["replica-ignore-disk-write-errors", mayIgnore],
      ["save", "900 1"],
    ]);
    using master = new FakeMaster();
    const conversation = await synchronized(replica, master);
    const { server } = replica.embedded;
    server.persistence.rdb.lastStatusOk = false;
    server.gates.set(GATE_MISCONF, true);
    await conversation.send(stream("SET x 1"));
    await replica.untilLogged("cannot save it");
    assertEquals(replica.exitCode, mayIgnore === "no" ? 1 : null);
    assertEquals(replica.run("GET x"), "1");
  }
});
