/**
 * What ioredis 6 does that older ones do not: deno run … ioredis_newest.mjs <port>.
 *
 * It speaks RESP3 without being told to. Prints one JSON line per call.
 */

import { print, runFamilies, show, until } from "./printing.mjs";

const { default: Redis } = await import("npm:ioredis@6.0.0");

const redis = new Redis(Number(Deno.args[0]));
const subscriber = redis.duplicate();

/** Calls methods, one a line: the first word is the method, the rest its arguments. */
async function script(lines) {
  for (const line of lines.trim().split("\n")) {
    const [name, ...args] = line.trim().split(/\s+/);
    await show(line.trim(), () => redis.call(name, ...args));
  }
}

const families = {
  async handshake() {
    const info = await redis.client("INFO");
    print("client", /resp=\d lib-name=\S+/.exec(info));
    await script(`
      client MAINT_NOTIFICATIONS ON
      client NO-TOUCH ON
      client SETINFO LIB-AGE 1`);
  },
  async fieldExpiry() {
    await show("hset", () => redis.hset("h", { a: 1, b: 2, c: 3, d: 4 }));
    await show("hexpire", () => redis.hexpire("h", 100, "FIELDS", 2, "a", "none"));
    await show("httl", async () => (await redis.httl("h", "FIELDS", 2, "a", "b"))[0] > 0);
    await script(`
      hexpire h 50 GT FIELDS 2 a b
      hpexpire h 100000 NX FIELDS 1 b
      hexpireat h 4102444800 FIELDS 1 c
      hpexpireat h 4102444800123 FIELDS 1 d
      hexpiretime h FIELDS 3 c d none
      hpexpiretime h FIELDS 3 c d none
      hpersist h FIELDS 2 a none
      hexpire none 10 FIELDS 1 a
      hexpire h 10 FIELDS 2 a
      hgetex h EX 100 FIELDS 2 a none
      hgetex h PERSIST FIELDS 1 a
      hsetex h PX 100000 FIELDS 1 e 5
      hsetex h FNX FIELDS 1 e 7
      hgetdel h FIELDS 2 e none
      hgetall h
      object ENCODING h`);
    await show("hscan", async () => (await redis.hscan("h", 0, "NOVALUES"))[1].sort());
  },
  async laterCommands() {
    await script(`
      zadd z 1 one 2.6 two
      zrank z two WITHSCORE
      zrevrank z none WITHSCORE
      zrange z 0 -1 WITHSCORES
      waitaof 0 0 10
      mset a abc b bcd
      bitop DIFF to a b
      bitop ANDOR to a b
      bitop ONE to a b
      xadd s 1-1 f v
      xgroup CREATE s g 0
      xreadgroup GROUP g c STREAMS s >
      xackdel s g IDS 2 1-1 9-9
      xdelex s IDS 1 1-1
      xread STREAMS s +`);
  },
  async scripts() {
    redis.defineCommand("total", { numberOfKeys: 1, lua: "return redis.call('ZCARD', KEYS[1])" });
    await show("defined", () => redis.total("z"));
    await show("double", () => redis.eval("return {double = 0.1}", 0));
    await show("map", () => redis.eval("return {map = {a = 1}}", 0));
    const scores = "redis.setresp(3) return redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')";
    await show("scores", () => redis.eval(scores, 1, "z"));
    const library = "#!lua name=lib\nredis.register_function('f', function(keys) return keys end)";
    await show("function", () => redis.call("FUNCTION", "LOAD", library));
    await show("fcall", () => redis.call("FCALL", "f", 2, "a", "b"));
    await show("functions", () => redis.call("FUNCTION", "DELETE", "lib"));
  },
  async sharded() {
    const heard = [];
    subscriber.on("smessage", (...message) => heard.push(message));
    subscriber.on("message", (...message) => heard.push(message));
    await show("ssubscribe", () => subscriber.ssubscribe("part"));
    await show("subscribe", () => subscriber.subscribe("whole"));
    await show("spublish", () => redis.spublish("part", "one"));
    await until(() => heard.length === 1);
    await show("publish", () => redis.publish("whole", "two"));
    await until(() => heard.length === 2);
    print("heard", heard);
  },
  async blocked() {
    const waiting = redis.duplicate();
    const popped = waiting.bzpopmin("queue", 0);
    await until(async () => /blocked_clients:1\b/.test(await redis.info("clients")));
    await show("zadd", () => redis.zadd("queue", 1.5, "job"));
    await show("popped", () => popped);
    waiting.disconnect();
  },
};

await redis.flushall();
await runFamilies(families);
redis.disconnect();
subscriber.disconnect();
