/**
 * nutcracker (twemproxy) in front of three servers: what it answers with Redeno behind it is what
 * it answers with redis-server behind it, server by server; it puts one out that is gone and takes
 * it in again, and logs in to those that want a password.
 */
import { assertEquals } from "@std/assert";
import { RespClient } from "../support/resp_client.ts";
import { RespError, showReply } from "../support/resp_reply.ts";
import {
  freePort,
  type ServerProcess,
  type ServerTarget,
  startServer,
  TemporaryDirectory,
} from "../support/server_process.ts";
import { until } from "../support/text.ts";
import { missingReason, programVersion, testUnless } from "../support/tool_availability.ts";

/** Debian puts it where only root looks. */
const PROGRAM = ["nutcracker", "/usr/sbin/nutcracker"]
  .find((program) => programVersion(program) !== null);
const HINDRANCE = PROGRAM === undefined ? "nutcracker not found" : null;

const KEY_COUNT = 100;

/** Three servers, and the proxy before them. */
class Pool implements AsyncDisposable {
  private constructor(
    readonly servers: ServerProcess[],
    readonly port: number,
    readonly proxy: Deno.ChildProcess,
    readonly directory: TemporaryDirectory,
  ) {}

  /** `settings`: further lines for the pool. */
  static async start(
    target: ServerTarget,
    settings: readonly string[] = [],
    args: readonly string[] = [],
  ): Promise<Pool> {
    const servers = await Promise.all([0, 1, 2].map(() => startServer({ target, args })));
    const directory = await TemporaryDirectory.create();
    const port = freePort();
    const lines = [
      "pool:",
      ...[`listen: 127.0.0.1:${port}`, "redis: true", "hash: fnv1a_64", "distribution: ketama"],
      ...['hash_tag: "{}"', "timeout: 60000", ...settings, "servers:"],
      // Names, so that keys go by them and not by ports.
      ...servers.map((server, index) => `  - 127.0.0.1:${server.port}:1 server${index}`),
    ];
    const path = `${directory.path}/nutcracker.yml`;
    await Deno.writeTextFile(path, lines.join("\n  ").replace("\n  pool", "pool") + "\n");
    const proxy = new Deno.Command(PROGRAM!, {
      args: ["-c", path, "-p", `${directory.path}/pid`, "-o", `${directory.path}/log`]
        .concat("-a", "127.0.0.1", "-s", String(freePort())),
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const pool = new Pool(servers, port, proxy, directory);
    await until("the proxy serves", async () => {
      try {
        using client = await pool.connect();
        await client.call("PING");
        return true;
      } catch {
        return false;
      }
    });
    return pool;
  }

  connect(): Promise<RespClient> {
    return RespClient.connect(this.port);
  }

  /** The number of keys that each server has. */
  async sizes(): Promise<number[]> {
    return await Promise.all(this.servers.map(async (server) => {
      using client = await server.connect();
      return await client.call("DBSIZE") as number;
    }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.proxy.kill("SIGKILL");
    await this.proxy.status;
    for (const server of this.servers) await server[Symbol.asyncDispose]();
    await this.directory[Symbol.asyncDispose]();
  }
}

/** Requests of every family that the proxy lets through; keys of one request share a tag. */
const REQUESTS = String.raw`
PING | SET s v | GET s | APPEND s w | STRLEN s | GETRANGE s 0 0 | SETRANGE s 1 xyz | GETSET s new
SETNX s x | SETNX s2 x | SETEX s3 1000 v | PSETEX s4 100000 v | TTL s3 | PERSIST s3 | TTL s3
GETEX s EX 1000 | TTL s | GETDEL s | GET s | SET n 5 | INCR n | DECR n | INCRBY n 10 | DECRBY n 3
INCRBYFLOAT n 1.5 | MSET a 1 b 2 c 3 d 4 e 5 | MGET a b c none d e | DEL a b none c | EXISTS d
TYPE d | SETBIT bits 7 1 | GETBIT bits 7 | BITCOUNT bits | BITPOS bits 1
BITFIELD bits SET u8 8 200 OVERFLOW SAT INCRBY u8 8 100
EXPIRE d 1000 | EXPIREAT d 4102444800 | PEXPIRE d 1000000 | PEXPIREAT d 4102444800000 | DUMP e
HSET h f 1 g 2 | HMSET h i 3 | HGET h f | HGETALL h | HMGET h f none | HINCRBY h f 5 | HLEN h
HINCRBYFLOAT h f 0.5 | HKEYS h | HVALS h | HEXISTS h f | HDEL h f | HSETNX h z 1 | HSCAN h 0
RPUSH l 1 2 3 4 | LPUSH l 0 | LPUSHX l a | RPUSHX none a | LRANGE l 0 -1 | LINDEX l 1 | LLEN l
LSET l 0 first | LINSERT l BEFORE 2 between | LREM l 1 3 | LPOS l 4 | LTRIM l 0 3 | LPOP l
RPOP l | LPOP l 2 | RPUSH {t}1 a b c | RPOPLPUSH {t}1 {t}2 | LMOVE {t}1 {t}2 LEFT RIGHT
SADD set 1 2 3 | SCARD set | SISMEMBER set 1 | SMISMEMBER set 1 9 | SMEMBERS set | SREM set 2
SSCAN set 0 | SADD one x | SRANDMEMBER one | SPOP one | SADD {u}1 1 2 3 | SADD {u}2 2 3 4
SDIFF {u}1 {u}2 | SINTER {u}1 {u}2 | SUNION {u}1 {u}2 | SDIFFSTORE {u}3 {u}1 {u}2
SINTERSTORE {u}3 {u}1 {u}2 | SUNIONSTORE {u}3 {u}1 {u}2 | SMOVE {u}1 {u}2 1
ZADD z 1 a 2 b 3 c | ZADD z INCR 5 a | ZCARD z | ZCOUNT z 2 3 | ZINCRBY z 1 b | ZSCORE z a
ZRANGE z 0 -1 WITHSCORES | ZREVRANGE z 0 -1 | ZRANGEBYSCORE z 2 6 | ZREVRANGEBYSCORE z 6 2
ZRANK z a | ZREVRANK z a | ZMSCORE z a none | ZLEXCOUNT z - + | ZRANGEBYLEX z - + | ZSCAN z 0
ZADD {v}1 1 a 2 b | ZADD {v}2 1 b 2 c | ZUNIONSTORE {v}3 2 {v}1 {v}2 | ZINTER 2 {v}1 {v}2
ZDIFF 2 {v}1 {v}2 WITHSCORES | ZRANGESTORE {v}4 {v}3 0 -1 | ZUNION 2 {v}1 {v}2
ZPOPMIN z | ZPOPMAX z | ZREMRANGEBYRANK z 0 0 | ZREMRANGEBYSCORE z 0 1 | ZREM z none
PFADD hll a b c | PFCOUNT hll | PFADD {w}1 a | PFADD {w}2 b | PFMERGE {w}3 {w}1 {w}2 | PFCOUNT {w}3
GEOADD g 13.36 38.11 x 15.08 37.50 y | GEODIST g x y km | GEOHASH g x | GEOPOS g x
GEORADIUS g 15 37 200 km | GEOSEARCH g FROMMEMBER x BYRADIUS 200 km ASC WITHDIST
SORT l2 | RPUSH l2 3 1 2 | SORT l2 DESC | SORT l2 LIMIT 0 2 ALPHA
EVAL return{KEYS[1],ARGV[1],redis.call('get',KEYS[1])} 1 e x
EVALSHA ffffffffffffffffffffffffffffffffffffffff 1 e | EVAL return 1 e
GET l | INCR l | LPUSH e x | SET s | HSET h f | SETEX s 0 v | EXPIRE e x
`.trim().split(/[|\n]/).map((request) => request.trim().split(/ +/));

/** What a pool answers, how its keys are spread, and what they hold. */
async function answersOf(target: ServerTarget): Promise<unknown> {
  await using pool = await Pool.start(target);
  using client = await pool.connect();
  const answers: string[] = [];
  for (const request of REQUESTS) {
    answers.push(`${request.join(" ")} -> ${showReply(await client.exchange(...request))}`);
  }
  // In one go: the proxy sorts the answers of three servers into the order of the requests.
  const names = Array.from({ length: KEY_COUNT }, (_, index) => `key:${index}`);
  await client.expectMany(names.map((name) => ["SET", name, `${name}${"x".repeat(2000)}`]));
  const values = await client.callMany([...names.map((name) => ["GET", name]), ["MGET", ...names]]);
  return { answers, values, sizes: await pool.sizes() };
}

testUnless(HINDRANCE ?? missingReason("redis-server"), {
  name: "nutcracker answers with Redeno behind it as with redis-server",
  fn: async () => {
    assertEquals(await answersOf("redeno"), await answersOf("redis"));
  },
});

testUnless(HINDRANCE, {
  name: "nutcracker puts out a Redeno that is gone, and takes it in again",
  fn: async () => {
    const settings = [
      "auto_eject_hosts: true",
      "server_failure_limit: 1",
      "server_retry_timeout: 100",
    ];
    await using pool = await Pool.start("redeno", settings);
    using client = await pool.connect();
    const names = Array.from({ length: KEY_COUNT }, (_, index) => `key:${index}`);
    const setAll = async () => {
      const replies = await client.callMany(names.map((name) => ["SET", name, "v"]));
      return replies.filter((reply) => reply === "OK").length;
    };
    assertEquals(await setAll(), KEY_COUNT);
    const before = await pool.sizes();
    const gone = pool.servers[1];
    await gone.kill();
    // Each try to reach it again fails once; between these all keys go to the other two.
    await until("all keys are taken by two servers", async () => await setAll() === KEY_COUNT);
    pool.servers[1] = await startServer({ target: "redeno", port: gone.port });
    await until("the third has its keys again", async () => {
      await setAll();
      return (await pool.sizes())[1] === before[1];
    });
  },
});

testUnless(HINDRANCE, {
  name: "nutcracker logs in to Redeno, and lets in who knows the password",
  fn: async () => {
    const password = ["--requirepass", "secret"];
    await using pool = await Pool.start("redeno", ["redis_auth: secret"], password);
    using client = await pool.connect();
    assertEquals((await client.call("SET", "k", "v") as RespError).code, "NOAUTH");
    assertEquals((await client.call("AUTH", "wrong") as RespError).code, "ERR");
    assertEquals(await client.call("AUTH", "secret"), "OK");
    assertEquals(await client.call("SET", "k", "v"), "OK");
    assertEquals(await client.call("GET", "k"), "v");
    await using stranger = await Pool.start("redeno", [], password);
    using other = await stranger.connect();
    assertEquals((await other.call("GET", "k") as RespError).code, "NOAUTH");
  },
});
