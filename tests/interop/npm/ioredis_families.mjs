/**
 * Every command family through ioredis' own methods: deno run … ioredis_families.mjs <port>.
 *
 * Prints one JSON line per call. The test runs it against redis-server and against ours and
 * compares the lines, so no expected value is written down here. Replies without an order are
 * sorted, and what depends on time or chance is reduced to its kind.
 */

const { default: Redis } = await import(`npm:ioredis@${Deno.args[1] ?? 5}`);

const port = Number(Deno.args[0]);
const redis = new Redis(port);
const other = redis.duplicate();

function print(name, value) {
  const text = JSON.stringify([name, value], (_key, item) => {
    return item?.type === "Buffer" ? `bytes ${item.data}` : item;
  });
  Deno.stdout.writeSync(new TextEncoder().encode(text + "\n"));
}

/** Calls a method and prints its reply or its error. */
async function call(name, ...args) {
  await show(`${name} ${JSON.stringify(args)}`, () => redis[name](...args));
}

async function show(name, action) {
  try {
    print(name, await action());
  } catch (error) {
    print(name, `${error.name}: ${error.message}`);
  }
}

/** Calls methods of a family, one a line: the first word is the method, the rest its arguments. */
async function script(lines) {
  for (const line of lines.trim().split("\n")) {
    const [name, ...args] = line.trim().split(/\s+/);
    await call(name, ...args);
  }
}

const sorted = (items) => [...items].sort();

async function readAll(stream) {
  const found = [];
  for await (const items of stream) found.push(...items);
  return found;
}

const families = {
  async strings() {
    await script(`
      set s 10 EX 100
      set s 11 NX
      set s 11 XX GET
      incr s
      incrby s 5
      decrby s 3
      incrbyfloat s 0.25
      incr s
      append s tail
      getrange s 1 3
      setrange s 12 far
      strlen s
      getset s new
      getex s PX 5000
      getdel s
      mset a ohmytext b mynewtext
      msetnx a 1 c 2
      mget a b none
      setex x 100 v
      psetex x 100000 v
      setnx x w
      lcs a b IDX WITHMATCHLEN`);
    await show("binary", async () => {
      await redis.set("bytes", new Uint8Array([0, 255, 13, 10]));
      return [...await redis.getBuffer("bytes")];
    });
  },
  async bitmaps() {
    await script(`
      setbit bits 7 1
      setbit bits 100 1
      getbit bits 100
      bitcount bits
      bitcount bits 0 7 BIT
      bitpos bits 1
      bitpos bits 0 1
      bitop NOT target bits
      bitop OR target bits target
      bitfield field SET u8 0 200 GET u4 0 OVERFLOW SAT INCRBY u8 0 100
      bitfield_ro field GET u8 0`);
    await show("target", async () => [...await redis.getBuffer("target")]);
  },
  async hyperloglogs() {
    await call("pfadd", "hll", ...Array(1000).keys());
    await call("pfadd", "hll2", ...Array(1500).keys());
    await script(`
      pfadd hll 1
      pfcount hll
      pfcount hll hll2
      pfmerge hll3 hll hll2
      pfcount hll3`);
    await show("payload", async () => (await redis.getBuffer("hll3")).toString("hex"));
  },
  async lists() {
    await script(`
      rpush l 0 1 2 3 4 5 6 7
      lpush l head
      lpushx none x
      rpushx l tail
      lrange l 0 -1
      lindex l -2
      lset l 0 first
      lset l 100 x
      linsert l AFTER 3 between
      lrem l -1 7
      lpos l 3 RANK -1 COUNT 0
      ltrim l 1 -2
      lpop l
      lpop l 2
      rpop l 2
      llen l
      rpoplpush l m
      lmove l m LEFT RIGHT
      lmpop 2 none m LEFT COUNT 5
      blpop none l 1
      brpop none l 1
      brpoplpush l m 1
      rpush l a b c
      blmove l m LEFT LEFT 1
      blmpop 1 2 none l RIGHT
      blpop none 0.05`);
    await show("a client that waits", async () => {
      const reply = other.blpop("q1", "q2", 10);
      await untilBlocked();
      await redis.rpush("q2", "job", "second");
      return [await reply, await redis.lrange("q2", 0, -1)];
    });
    await show("a client that waits for a member", async () => {
      const reply = other.bzpopmin("z", 10);
      await untilBlocked();
      await redis.zadd("z", 1.5, "member", 2, "second");
      return [await reply, await redis.zrange("z", 0, -1)];
    });
  },
  async hashes() {
    await call("hset", "h", { a: 1, b: 2 });
    await call("hset", "h", new Map([["c", "x"]]));
    await script(`
      hmset h d 4
      hsetnx h a 2
      hget h a
      hmget h a none
      hgetall h
      hkeys h
      hvals h
      hlen h
      hstrlen h c
      hexists h none
      hincrby h a 41
      hincrbyfloat h a 0.5
      hincrby h c 1
      hdel h a none
      hget none a`);
    await show("hrandfield", async () => (await redis.hrandfield("h", 2, "WITHVALUES")).length);
    await show("hscanStream", async () => sorted(await readAll(redis.hscanStream("h"))));
  },
  async sets() {
    await script(`
      sadd x a b c 1
      sadd y b c d
      scard x
      sismember x a
      smismember x a none
      sintercard 2 x y LIMIT 1
      sinterstore z1 x y
      sunionstore z2 x y
      sdiffstore z3 x y
      smove x y a
      srem y a none`);
    for (const name of ["sinter", "sunion", "sdiff"]) {
      await show(name, async () => sorted(await redis[name]("x", "y")));
    }
    await show("smembers", async () => sorted(await redis.smembers("x")));
    await show("spop", async () => [(await redis.spop("z2", 2)).length, await redis.scard("z2")]);
    await show("srandmember", async () => (await redis.srandmember("x", -5)).length);
    await show("sscanStream", async () => {
      return sorted(await readAll(redis.sscanStream("x", { match: "[a-c]" })));
    });
  },
  async sortedSets() {
    await script(`
      zadd zs 1 one 2 two 3 three
      zadd zs XX CH 2.5 two 4 four
      zadd zs GT INCR 5 one
      zcard zs
      zscore zs two
      zmscore zs two none
      zincrby zs 0.1 two
      zrank zs three
      zrevrank zs three
      zrange zs 0 -1 WITHSCORES
      zrange zs (1 +inf BYSCORE LIMIT 0 2
      zrevrange zs 0 -1 WITHSCORES
      zrangebyscore zs 1 3 WITHSCORES
      zrevrangebyscore zs 3 -inf LIMIT 0 1
      zcount zs -inf (3
      zadd lex 0 a 0 b 0 c 0 d 0 e
      zrangebylex lex [b (e
      zrevrangebylex lex + - LIMIT 1 2
      zlexcount lex - [c
      zremrangebylex lex [a [b
      zunion 2 zs lex WITHSCORES
      zinter 2 zs lex
      zdiff 2 zs lex WITHSCORES
      zunionstore zu 2 zs lex WEIGHTS 2 1 AGGREGATE MAX
      zinterstore zi 2 zs zu
      zdiffstore zd 2 zs lex
      zintercard 2 zs zu
      zrangestore zr zs 0 1
      zpopmin zs
      zpopmax zs 2
      zmpop 2 none zu MIN COUNT 2
      bzpopmin none zu 1
      bzpopmax zu 1
      bzpopmin none 0.05
      bzmpop 1 1 lex MAX
      zrem zi one
      zremrangebyrank zd 0 0
      zremrangebyscore zd 0 (3`);
    await show("zscanStream", async () => sorted(await readAll(redis.zscanStream("lex"))));
  },
  async geo() {
    await script(`
      geoadd g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania
      geoadd g CH 2.349 48.864 Paris
      geodist g Palermo Catania km
      geohash g Palermo none
      geopos g Palermo none
      georadius g 15 37 200 km WITHDIST WITHCOORD ASC
      georadiusbymember g Palermo 200 km WITHHASH
      geosearch g FROMLONLAT 15 37 BYBOX 400 400 km WITHDIST DESC
      geosearchstore near g FROMMEMBER Paris BYRADIUS 2000 km
      zrange near 0 -1 WITHSCORES`);
  },
  async keys() {
    await call("mset", Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`k:${i}`, i])));
    await script(`
      exists k:1 k:2 none
      type k:1
      rename k:1 renamed
      renamenx k:2 k:3
      copy k:4 copied
      touch k:1 k:3
      expire k:3 100
      expire k:3 200 LT
      expireat k:4 32503680000
      expiretime k:4
      pexpiretime k:4
      persist k:4
      unlink k:5 none
      object ENCODING k:3
      move k:6 1
      rpush numbers 3 1 2
      sort numbers DESC
      sort numbers BY k:* GET # GET k:* LIMIT 0 2
      sort numbers STORE sorted
      lrange sorted 0 -1
      sort_ro numbers`);
    const isRecent = (seconds) => seconds > 10 && seconds <= 100;
    await show("ttl", async () => isRecent(await redis.ttl("k:3")));
    await show("keys", async () => sorted(await redis.keys("k:1*")));
    await show("scanStream", async () => {
      return sorted(await readAll(redis.scanStream({ match: "k:*", count: 3, type: "string" })));
    });
    await show("dump", async () => (await redis.dumpBuffer("numbers")).toString("hex"));
    await show("restore", async () => {
      const payload = await redis.dumpBuffer("numbers");
      const reply = await redis.restore("again", 0, payload);
      return [reply, await redis.lrange("again", 0, -1)];
    });
    await script(`
      restore bad 0 garbage
      dbsize
      swapdb 0 1
      dbsize
      flushdb
      flushall`);
  },
  async publish() {
    const subscriber = redis.duplicate();
    const messages = [];
    for (const event of ["message", "pmessage", "smessage"]) {
      subscriber.on(event, (...args) => messages.push([event, ...args]));
    }
    await show("subscribe", () => subscriber.subscribe("news", "other"));
    await show("psubscribe", () => subscriber.psubscribe("n*"));
    await show("ssubscribe", () => subscriber.ssubscribe("shard"));
    await script(`
      publish news hello
      spublish shard part
      pubsub CHANNELS news
      pubsub NUMSUB news none
      pubsub NUMPAT
      pubsub SHARDCHANNELS
      pubsub SHARDNUMSUB shard none`);
    await show("unsubscribe", () => subscriber.unsubscribe("news", "other"));
    await show("punsubscribe", () => subscriber.punsubscribe("n*"));
    await show("sunsubscribe", () => subscriber.sunsubscribe("shard"));
    print("messages", messages);
    await show("usable again", () => subscriber.get("none"));
    await subscriber.quit();
  },
  async events() {
    await call("config", "SET", "notify-keyspace-events", "KEA");
    const subscriber = redis.duplicate();
    const messages = [];
    subscriber.on("pmessage", (...args) => messages.push(args));
    await subscriber.psubscribe("__key*__:*");
    await redis.set("event", 1, "EX", 100);
    await redis.lpush("list", "x");
    await redis.lpop("list");
    await subscriber.punsubscribe("__key*__:*");
    print("messages", messages);
    await call("config", "SET", "notify-keyspace-events", "");
    await subscriber.quit();
  },
  async transactions() {
    const shown = async (pipeline) =>
      (await pipeline.exec()).map(([error, reply]) => {
        return error ? error.message : reply;
      });
    await show("multi", () => shown(redis.multi().set("t", 1).incr("t").hset("h2", "f", "v")));
    await show("no rollback", () => shown(redis.multi().set("t", "x").incr("t").get("t")));
    await show("refused", () => redis.multi().set("t").get("t").exec());
    await redis.watch("t");
    await other.set("t", "changed");
    await show("overtaken", () => redis.multi().set("t", "lost").exec());
    await show(
      "pipeline",
      () => shown(redis.pipeline().mget("t", "none").incr("t").zadd("p", 1, "a")),
    );
    await show("step by step", async () => {
      const replies = [await redis.multi({ pipeline: false }), await redis.set("u", 1)];
      return [...replies, await redis.discard(), await redis.get("u")];
    });
  },
  async server() {
    await script(`
      ping
      ping hello
      echo hi
      config GET maxmemory-policy
      config SET maxmemory-samples 7
      config SET no-such 1
      config RESETSTAT
      client SETNAME me
      client GETNAME
      client KILL ID 123456789
      client UNBLOCK 123456789
      client PAUSE 1
      client NO-EVICT ON
      client TRACKINGINFO
      client CACHING YES
      client REPLY ON
      memory USAGE none
      memory PURGE
      slowlog RESET
      slowlog LEN
      role
      command GETKEYS MSET a b c d
      command COUNT x
      script EXISTS aaaa
      acl WHOAMI
      acl SETUSER ann on >secret ~app:* +@read +set -flushall
      acl GETUSER ann
      acl LIST
      acl DRYRUN ann get other
      auth ann wrong
      auth ann secret
      set app:1 x
      get other
      flushall
      auth default any
      acl DELUSER ann
      select 3
      select 99
      reset`);
    await show("time", async () => (await redis.time()).length);
    await show("info", async () => /redis_version:([\d.]+)/.exec(await redis.info("server"))[1]);
    await show("client list", async () => (await redis.client("LIST")).split("\n").length > 1);
    await show("memory stats", async () => (await redis.memory("STATS")).slice(0, 1));
  },
};

async function untilBlocked() {
  while (!/blocked_clients:1\b/.test(await redis.info("clients"))) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

for (const [name, family] of Object.entries(families)) {
  await redis.flushall();
  print("==", name);
  await family();
}
redis.disconnect();
other.disconnect();
