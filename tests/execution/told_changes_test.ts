/**
 * No change goes untold: whatever a command changes in the dataset, it leaves an effect for the AOF
 * and the replicas, and is counted for the save points. Random requests of all families are sent,
 * and the dataset is looked at after each that left no effect. A second server is told of the
 * effects only, and must have the same data.
 */
import { assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { decodeReply } from "../../src/protocol/reply_reader.ts";
import { REDIS_DENY_BLOCKING, REDIS_INTERNAL } from "../../src/session/client.ts";
import { COMMAND_SHAPES } from "../differential/command_shapes.ts";
import { stepsOfSeed } from "../differential/command_stream.ts";
import { requestsOfShape } from "../differential/shape_grammar.ts";
import { fieldExpiry } from "../differential/field_expiry_requests.ts";
import { type EmbeddedClient, EmbeddedServer } from "../support/embedded_server.ts";
import { RecordedEffects } from "../support/recorded_effects.ts";
import type { Argument } from "../support/resp_client.ts";
import { RespError, toPlain } from "../support/resp_reply.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { quoted } from "../support/text.ts";

/** REDENO_TOLD_REQUESTS and REDENO_TOLD_SEED: more of them, and others, for a long run. */
const REQUESTS_PER_SEED = Number(Deno.env.get("REDENO_TOLD_REQUESTS") ?? 1200);
/** After so many requests who was only told of the effects must have the same. */
const FOLLOWER_STEPS = 50;
const FIRST_SEED = Number(Deno.env.get("REDENO_TOLD_SEED") ?? 1);
const SEEDS = [FIRST_SEED, FIRST_SEED + 1, FIRST_SEED + 2];
const REMOVAL = /^(DEL|UNLINK|HDEL) /;
const START_MS = 1_795_000_000_000;
const DATABASES = 3;
const DIRECTIVES = [
  ["redis-version", "7.4"],
  ["databases", String(DATABASES)],
  ["enable-debug-command", "yes"],
] as const;

type Request = readonly Argument[];

/** These wait, stop or change the server, or take long; none of them changes a key's value. */
const LEFT_OUT = /^(debug|config|client|monitor|shutdown|hello|subscribe|psubscribe|ssubscribe)$/i;

/**
 * The keys, each as database and name, that were announced as changed since the last call: for
 * these WATCH and client-side caches are void. Null: all keys.
 */
class AnnouncedKeys {
  #keys: Set<string> | null = new Set();

  constructor({ server }: EmbeddedServer) {
    const { listener } = server.keyspace;
    const { keyChanged, databaseFlushed } = listener;
    listener.keyChanged = (db, bytes, start, length) => {
      this.#keys?.add(`${db.index} ${quoted(bytes.slice(start, start + length))}`);
      keyChanged.call(listener, db, bytes, start, length);
    };
    listener.databaseFlushed = (db) => {
      this.#keys = null;
      databaseFlushed.call(listener, db);
    };
  }

  take(): ReadonlySet<string> | null {
    const keys = this.#keys;
    this.#keys = new Set();
    return keys;
  }
}

/** Lines of a fingerprint that are in one of two only, without what groups of streams have. */
function changedKeys(before: string, after: string): Set<string> {
  const contents = (text: string) => text.split("\n").filter((line) => /^\d /.test(line));
  const [old, now] = [new Set(contents(before)), new Set(contents(after))];
  const changed = [...old.symmetricDifference(now)];
  return new Set(changed.map((line) => line.replace(/ [0-9a-f]{40} -?\d+$/, "")));
}

/** What a request lists, in order, for two hash tables need not have the same one. */
function names(client: EmbeddedClient, ...request: Argument[]): Uint8Array[] {
  client.send(...request);
  const reply = decodeReply(client.takeBytes());
  const listed = toPlain(reply, (bytes) => bytes.slice()) as Uint8Array[];
  return listed.toSorted((one, other) => quoted(one) < quoted(other) ? -1 : 1);
}

/** All that a replica must have too: contents, expiry times, groups of streams. */
function fingerprint(client: EmbeddedClient): string {
  const parts: string[] = [];
  for (let db = 0; db < DATABASES; db++) {
    client.run("SELECT", db);
    for (const key of names(client, "KEYS", "*")) {
      const [digest] = client.run("DEBUG", "DIGEST-VALUE", key) as string[];
      parts.push(`${db} ${shown(key)} ${digest} ${client.run("PEXPIRETIME", key)}`);
      const type = client.run("TYPE", key);
      if (type === "stream") parts.push(JSON.stringify(client.run("XINFO", "GROUPS", key)));
      if (type !== "hash") continue;
      const fields = names(client, "HKEYS", key);
      parts.push(String(client.run("HPEXPIRETIME", key, "FIELDS", fields.length, ...fields)));
    }
  }
  return parts.join("\n");
}

/** Requests of newer servers, in the words of shape_grammar.ts. */
const NEWER_SHAPES = `
SET <str> <value> (IFEQ|IFNE) <value> [GET] [EX <seconds>]
DELEX <str> (IFEQ|IFNE) <value>
DELIFEQ <str> <value>
DIGEST <str>
MSETEX 2 <str> <value> <num> <int> [NX|XX] [EX <seconds>|PXAT <unixtimems>|KEEPTTL]
INCREX <num> [BYINT <int>|BYFLOAT <float>] [LBOUND <int>] [UBOUND <int>] [EX <seconds> [ENX]]
LMOVEM <list> <list> (LEFT|RIGHT) (LEFT|RIGHT) [(COUNT|EXACTLY) <smallcount> (OBO|BULK)]
BITOP (DIFF|DIFF1|ANDOR|ONE) <str> <str> <str>
SUNIONCARD #{<set>}
SDIFFCARD #{<set>}
ZUNIONSTORE <zset> 2 <zset> <set> AGGREGATE COUNT
XACKDEL <stream> <group> [KEEPREF|DELREF|ACKED] IDS 2 <entryid> <entryid>
XDELEX <stream> [KEEPREF|DELREF|ACKED] IDS 2 <entryid> <entryid>
XTRIM <stream> (MAXLEN|MINID) [=|~] <count> (KEEPREF|DELREF|ACKED)
XADD <stream> (KEEPREF|DELREF|ACKED) MAXLEN <smallcount> <newid> a <value>
XREADGROUP GROUP <group> <consumer> CLAIM 0 [COUNT <smallcount>] STREAMS <stream> >
SPUBLISH <name> <value>
`.trim().split("\n");

function* requestsOf(seed: number): Generator<{ client: number; args: Request }> {
  const random = new SeededRandom(seed);
  for (const step of stepsOfSeed(seed, COMMAND_SHAPES, REQUESTS_PER_SEED)) {
    if (!LEFT_OUT.test(String(step.args[0]))) yield step;
    if (random.oneIn(8)) yield { client: 0, args: fieldExpiry(random, false) };
    if (!random.oneIn(8)) continue;
    for (const args of requestsOfShape(random.pick(NEWER_SHAPES), random)) {
      yield { client: 1, args };
    }
  }
}

for (const seed of SEEDS) {
  Deno.test(`what leaves no effect has changed nothing, seed ${seed}`, () => {
    // Nothing expires but when the clock is moved, and that is not between two looks.
    clock.setTimeForTests(START_MS);
    try {
      using server = new EmbeddedServer(DIRECTIVES);
      const recorded = new RecordedEffects(server);
      using follower = new EmbeddedServer(DIRECTIVES);
      follower.client.client.flags |= REDIS_INTERNAL | REDIS_DENY_BLOCKING;
      server.server.propagation.attach({
        takeUnit: (bytes, length) => follower.client.sendBytes(bytes.slice(0, length)),
      });
      const announced = new AnnouncedKeys(server);
      const clients = [server.connect(), server.connect()];
      const observer = server.connect();
      let before = fingerprint(observer);
      let count = 0;
      for (const { client, args } of requestsOf(seed)) {
        if (clients[client].client.blocked !== null || clients[client].isClosed) {
          clients[client].close();
          clients[client] = server.connect();
        }
        recorded.takeLog();
        recorded.takeDirty();
        clients[client].send(...args);
        clients[client].takeBytes();
        const told = recorded.takeLog();
        // What has expired goes without being counted: a file without it is as good.
        const isCounted = recorded.takeDirty() !== 0 || told.some((effect) => REMOVAL.test(effect));
        const isTold = told.length > 0;
        const after = fingerprint(observer);
        if (!isTold || !isCounted) assertUnchanged(before, after, args, isTold);
        const keys = announced.take();
        if (keys !== null && after !== before && !isSilent(args)) {
          const silent = changedKeys(before, after).difference(keys);
          assertEquals([...silent], [], `not announced: ${textOf(args)}`);
        }
        before = after;
        if (++count % FOLLOWER_STEPS === 0) {
          assertEquals(fingerprint(follower.connect()), after, `up to request ${count}`);
          const refusals = follower.client.take().filter((reply) => reply instanceof RespError);
          assertEquals(refusals, [], `up to request ${count}`);
        }
      }
    } finally {
      clock.useRealTime();
    }
  });
}

function assertUnchanged(before: string, after: string, args: Request, isTold: boolean): void {
  const what = `changed, but not ${isTold ? "counted" : "told"}: ${textOf(args)}`;
  assertEquals(after, before, what);
}

/** Any argument or key, byte by byte. */
function shown(arg: Argument): string {
  return quoted(arg instanceof Uint8Array ? arg : new TextEncoder().encode(String(arg)));
}

function textOf(args: Request): string {
  return args.map(shown).join(" ");
}

/**
 * Redis: BITFIELD announces nothing if all of it fails, PFDEBUG never does; SWAPDB tells WATCH in a
 * way of its own. EXEC may hold one of them.
 */
function isSilent([command]: Request): boolean {
  return /^(bitfield|pfdebug|swapdb|exec)$/i.test(String(command));
}

Deno.test("a string that only grows is told and counted: all of a BITFIELD fails", () => {
  using server = new EmbeddedServer();
  const recorded = new RecordedEffects(server);
  const request = ["BITFIELD", "k", "OVERFLOW", "FAIL", "SET", "u2", "110", "100"];
  for (const isNew of [true, false]) {
    assertEquals(server.run(...request), [null]);
    assertEquals(server.run("STRLEN", "k"), 14);
    assertEquals(recorded.takeLog(), isNew ? [request.join(" ")] : []);
    assertEquals(recorded.takeDirty(), isNew ? 1 : 0);
    // Redis announces nothing.
    assertEquals(recorded.takeEvents().filter((event) => event.startsWith("setbit")), []);
  }
});

for (const message of ["PUBLISH", "SPUBLISH"]) {
  Deno.test(`the AOF has the effects of what comes after ${message}`, () => {
    using server = new EmbeddedServer();
    const recorded = new RecordedEffects(server);
    server.run("XADD", "s", "1-1", "field", "value");
    server.run("XGROUP", "CREATE", "s", "g", "0");
    recorded.takeLog();
    // A message is for the replicas only.
    server.run(message, "channel", "message");
    server.run("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">");
    assertEquals(recorded.takeLog().map((effect) => effect.split(" ", 2).join(" ")), [
      "XGROUP CREATECONSUMER",
      "XCLAIM s",
      "XGROUP SETID",
    ]);
  });
}
