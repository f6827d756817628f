"""Every command family through redis-py's own methods: python3 every_family.py <port> [protocol].

Prints one line per call: what was called and what came back, or the error. The test runs it against
redis-server and against ours and compares the lines, so no expected value is written down here.
Replies without an order are sorted, and what depends on time or chance is reduced to its kind.
"""

import sys
import threading
import time
import warnings

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from printing import caller, canonical, show

warnings.simplefilter("ignore")
PORT = int(sys.argv[1])
OPTIONS = {"port": PORT}
if len(sys.argv) > 2:
    OPTIONS["protocol"] = int(sys.argv[2])
conn = redis.Redis(decode_responses=True, **OPTIONS)
raw = redis.Redis(**OPTIONS)
call = caller(conn)


def strings():
    call("set", "s", "10", ex=100)
    call("set", "s", "11", nx=True)
    call("set", "s", "11", xx=True, get=True, keepttl=True)
    call("get", "s")
    call("incr", "s")
    call("incrby", "s", 5)
    call("decrby", "s", 3)
    call("incrbyfloat", "s", "0.25")
    call("incr", "s")
    call("append", "s", "tail")
    call("getrange", "s", 1, 3)
    call("setrange", "s", 12, "far")
    call("strlen", "s")
    call("getset", "s", "new")
    call("getex", "s", px=5000)
    call("getdel", "s")
    call("mset", {"a": "ohmytext", "b": "mynewtext"})
    call("msetnx", {"a": "1", "c": "2"})
    call("mget", "a", "b", "none")
    call("setex", "x", 100, "v")
    call("psetex", "x", 100000, "v")
    call("setnx", "x", "w")
    call("execute_command", "LCS", "a", "b")
    call("execute_command", "LCS", "a", "b", "IDX", "WITHMATCHLEN")
    show("binary", lambda: (raw.set(b"\x00\xff", b"\r\n\x00"), raw.get(b"\x00\xff")))


def bitmaps():
    call("setbit", "bits", 7, 1)
    call("setbit", "bits", 100, 1)
    call("getbit", "bits", 100)
    call("bitcount", "bits")
    call("bitcount", "bits", 0, 0)
    call("bitpos", "bits", 1)
    call("bitpos", "bits", 0, 1)
    call("set", "other", "abc")
    for operation in ("AND", "OR", "XOR"):
        call("bitop", operation, "target", "bits", "other")
    call("bitop", "NOT", "target", "other")
    show("target", lambda: raw.get("target"))
    show("bitfield", lambda: conn.bitfield("field").set("u8", 0, 200).get("u4", 0)
         .incrby("u8", 0, 100, "SAT").incrby("i5", "#3", 1).execute())
    call("bitcount", "none")


def hyperloglogs():
    call("pfadd", "hll", *range(1000))
    call("pfadd", "hll2", *range(500, 1500))
    call("pfadd", "hll", 1)
    call("pfcount", "hll")
    call("pfcount", "hll", "hll2")
    call("pfmerge", "hll3", "hll", "hll2")
    call("pfcount", "hll3")
    show("payload", lambda: raw.get("hll3"))
    call("set", "hll", "no hyperloglog")
    call("pfcount", "hll")


def lists():
    call("rpush", "l", *range(8))
    call("lpush", "l", "head")
    call("lpushx", "none", "x")
    call("rpushx", "l", "tail")
    call("lrange", "l", 0, -1)
    call("lindex", "l", -2)
    call("lset", "l", 0, "first")
    call("lset", "l", 100, "x")
    call("linsert", "l", "AFTER", "3", "three and a half")
    call("lrem", "l", -1, "7")
    call("lpos", "l", "3")
    call("lpos", "l", "3", rank=-1, count=0, maxlen=100)
    call("ltrim", "l", 1, -2)
    call("lpop", "l")
    call("lpop", "l", 2)
    call("rpop", "l", 2)
    call("llen", "l")
    call("rpoplpush", "l", "m")
    call("lmove", "l", "m", "LEFT", "RIGHT")
    call("lmpop", 2, "none", "m", direction="LEFT", count=5)
    call("blpop", ["none", "l"], 1)
    call("brpop", ["none", "l"], 1)
    call("brpoplpush", "l", "m", 1)
    call("blmove", "m", "l", 1)
    call("blmpop", 1, 2, "none", "l", direction="RIGHT")
    show("blpop that times out", lambda: conn.blpop("none", 1))
    show("blpop that waits", lambda: wait_for_push(lambda c: c.blpop(["q1", "q2"], 10)))
    show("bzpopmin that waits", lambda: wait_for_push(lambda c: c.bzpopmin("z", 10)))


def wait_for_push(wait):
    """What another connection gets that was blocked before this one pushed."""
    results = []
    waiter = redis.Redis(decode_responses=True, **OPTIONS)
    thread = threading.Thread(target=lambda: results.append(wait(waiter)))
    thread.start()
    while conn.info("clients")["blocked_clients"] == 0:
        time.sleep(0.01)
    conn.rpush("q2", "job", "second job")
    conn.zadd("z", {"member": 1.5, "second": 2})
    thread.join()
    conn.delete("q2", "z")
    return results


def hashes():
    call("hset", "h", "a", 1)
    call("hset", "h", mapping={"b": 2, "c": "x"})
    call("hmset", "h", {"d": 4})
    call("hsetnx", "h", "a", 2)
    call("hget", "h", "a")
    call("hmget", "h", ["a", "none"])
    call("hgetall", "h")
    call("hkeys", "h")
    call("hvals", "h")
    call("hlen", "h")
    call("hstrlen", "h", "c")
    call("hexists", "h", "none")
    call("hincrby", "h", "a", 41)
    call("hincrbyfloat", "h", "a", 0.5)
    call("hincrby", "h", "c", 1)
    call("hdel", "h", "a", "none")
    show("hrandfield", lambda: len(conn.hrandfield("h", 2, withvalues=True)))
    show("hscan_iter", lambda: sorted(conn.hscan_iter("h")))
    call("hget", "l", "a")
    show("large hash", lambda: (conn.hset("big", mapping={"f%d" % i: i for i in range(1000)}),
                                len(dict(conn.hscan_iter("big", count=50))),
                                conn.object("encoding", "big")))


def sets():
    call("sadd", "x", "a", "b", "c", "1")
    call("sadd", "y", "b", "c", "d")
    call("scard", "x")
    call("sismember", "x", "a")
    call("smismember", "x", ["a", "none"])
    call("smembers", "x")
    call("sinter", "x", "y")
    call("sintercard", 2, ["x", "y"], 1)
    call("sunion", "x", "y")
    call("sdiff", "x", "y")
    call("sinterstore", "z1", "x", "y")
    call("sunionstore", "z2", "x", "y")
    call("sdiffstore", "z3", "x", "y")
    call("smove", "x", "y", "a")
    call("srem", "y", "a", "none")
    show("srandmember", lambda: conn.srandmember("x") in conn.smembers("x"))
    show("spop", lambda: (len(conn.spop("z2", 2)), conn.scard("z2")))
    show("sscan_iter", lambda: sorted(conn.sscan_iter("x", match="[a-c]")))
    call("sadd", "ints", *range(100))
    call("object", "encoding", "ints")


def sorted_sets():
    call("zadd", "zs", {"one": 1, "two": 2, "three": 3})
    call("zadd", "zs", {"two": 2.5, "four": 4}, xx=True, ch=True)
    call("zadd", "zs", {"one": 5}, gt=True, incr=True)
    call("zadd", "zs", {"five": 1}, nx=True)
    call("zcard", "zs")
    call("zscore", "zs", "two")
    call("zmscore", "zs", ["two", "none"])
    call("zincrby", "zs", 0.1, "two")
    call("zrank", "zs", "three")
    call("zrevrank", "zs", "three")
    call("zrange", "zs", 0, -1, withscores=True)
    call("zrange", "zs", "(1", "+inf", byscore=True, offset=0, num=2, withscores=True)
    call("zrange", "zs", 0, -1, desc=True)
    call("zrevrange", "zs", 0, -1, withscores=True)
    call("zrangebyscore", "zs", 1, 3, withscores=True)
    call("zrevrangebyscore", "zs", 3, "-inf")
    call("zcount", "zs", "-inf", "(3")
    call("zadd", "lex", {letter: 0 for letter in "abcdef"})
    call("zrangebylex", "lex", "[b", "(e")
    call("zrevrangebylex", "lex", "+", "-", 1, 2)
    call("zlexcount", "lex", "-", "[c")
    call("zremrangebylex", "lex", "[a", "[b")
    call("zunion", ["zs", "lex"], withscores=True)
    call("zinter", {"zs": 2, "zs2": 1}, withscores=True)
    call("zunionstore", "zu", {"zs": 2, "lex": 1}, aggregate="MAX")
    call("zinterstore", "zi", ["zs", "zu"])
    call("zdiff", ["zs", "lex"], withscores=True)
    call("zdiffstore", "zd", ["zs", "lex"])
    call("zintercard", 2, ["zs", "zu"])
    call("zrangestore", "zr", "zs", 0, 1)
    call("zpopmin", "zs")
    call("zpopmax", "zs", 2)
    call("zmpop", 2, ["none", "zu"], min=True, count=2)
    call("bzpopmin", ["none", "zu"], 1)
    call("bzpopmax", ["zu"], 1)
    call("bzmpop", 1, 1, ["zu"], max=True)
    show("bzpopmin that times out", lambda: conn.bzpopmin("none", 1))
    call("zrem", "zi", "one")
    call("zremrangebyrank", "zd", 0, 0)
    call("zremrangebyscore", "zd", 0, "(3")
    show("zrandmember", lambda: len(conn.zrandmember("lex", -5, withscores=False)))
    show("zscan_iter", lambda: sorted(conn.zscan_iter("lex")))
    call("zadd", "inf", {"a": float("inf"), "b": float("-inf"), "c": 1e300, "d": 3})
    call("zrange", "inf", 0, -1, withscores=True)


def geo():
    call("geoadd", "g", (13.361389, 38.115556, "Palermo", 15.087269, 37.502669, "Catania"))
    call("geoadd", "g", (2.349, 48.864, "Paris"), ch=True)
    call("geodist", "g", "Palermo", "Catania", "km")
    call("geohash", "g", "Palermo", "none")
    call("geopos", "g", "Palermo", "none")
    call("georadius", "g", 15, 37, 200, unit="km", withdist=True, withcoord=True, sort="ASC")
    call("georadiusbymember", "g", "Palermo", 200, unit="km", withhash=True)
    call("geosearch", "g", longitude=15, latitude=37, width=400, height=400, unit="km",
         withdist=True, sort="DESC")
    call("geosearch", "g", member="Paris", radius=2000, unit="km", count=1, any=True)
    call("geosearchstore", "near", "g", longitude=15, latitude=37, radius=200, unit="km")
    call("zrange", "near", 0, -1, withscores=True)


def keys():
    conn.flushall()
    call("mset", {"k:%d" % i: i for i in range(20)})
    call("exists", "k:1", "k:2", "none")
    call("type", "k:1")
    call("rename", "k:1", "renamed")
    call("renamenx", "k:2", "k:3")
    call("copy", "k:4", "copied")
    call("touch", "k:1", "k:3")
    call("expire", "k:3", 100, gt=True)
    call("expire", "k:3", 100)
    show("ttl", lambda: 10 < conn.ttl("k:3") <= 100)
    show("pttl", lambda: 10000 < conn.pttl("k:3") <= 100000)
    call("expireat", "k:4", 32503680000)
    call("expiretime", "k:4")
    call("pexpiretime", "k:4")
    call("persist", "k:4")
    call("unlink", "k:5", "none")
    show("keys", lambda: sorted(conn.keys("k:1*")))
    show("scan_iter", lambda: sorted(conn.scan_iter(match="k:*", count=3, _type="string")))
    show("randomkey", lambda: conn.exists(conn.randomkey()))
    call("object", "encoding", "k:3")
    call("object", "refcount", "renamed")
    call("move", "k:6", 1)
    call("rpush", "numbers", 3, 1, 2)
    call("sort", "numbers", desc=True)
    call("sort", "numbers", by="k:*", get=["#", "k:*"], start=0, num=2)
    call("sort", "numbers", alpha=True, store="sorted")
    call("lrange", "sorted", 0, -1)
    show("dump", lambda: raw.dump("numbers"))
    show("restore", lambda: (raw.restore("again", 0, raw.dump("numbers")),
                             conn.lrange("again", 0, -1)))
    show("restore over a key", lambda: raw.restore("again", 0, raw.dump("numbers")))
    show("restore of garbage", lambda: raw.restore("bad", 0, b"garbage"))
    call("dbsize")
    call("swapdb", 0, 1)
    call("dbsize")
    call("flushdb")
    call("flushall")


def next_message(pubsub):
    for _ in range(500):
        message = pubsub.get_message(timeout=0.01)
        if message is not None:
            return sorted(message.items())
    return "nothing"


def publish():
    pubsub = conn.pubsub()
    pubsub.subscribe("news", "other")
    show("subscribed", lambda: (next_message(pubsub), next_message(pubsub)))
    pubsub.psubscribe("n*")
    show("psubscribed", lambda: next_message(pubsub))
    call("publish", "news", "hello")
    show("messages", lambda: (next_message(pubsub), next_message(pubsub)))
    show("pubsub_channels", lambda: sorted(conn.pubsub_channels()))
    call("pubsub_numsub", "news", "none")
    call("pubsub_numpat")
    pubsub.unsubscribe("news", "other")
    pubsub.punsubscribe()
    show("unsubscribed", lambda: [next_message(pubsub) for _ in range(3)])
    call("execute_command", "SPUBLISH", "shard", "x")
    call("execute_command", "PUBSUB", "SHARDCHANNELS")
    pubsub.close()


def events():
    call("config_set", "notify-keyspace-events", "KEA")
    pubsub = conn.pubsub()
    pubsub.psubscribe("__key*__:*")
    next_message(pubsub)
    conn.lpush("list", "x")
    conn.lpop("list")
    # The last, since its end may come at any time.
    conn.set("event", "1", px=1)
    time.sleep(0.01)
    conn.get("event")
    for _ in range(10):
        show("event", lambda: next_message(pubsub))
    call("config_set", "notify-keyspace-events", "")
    pubsub.close()


def transactions():
    pipe = conn.pipeline()
    pipe.set("t", 1).incr("t").get("none").lpush("list2", "a").hset("hash2", "f", "v")
    show("transaction", pipe.execute)
    pipe.set("t", "text").incr("t").get("t")
    show("no rollback", lambda: [str(reply) for reply in pipe.execute(raise_on_error=False)])
    other = redis.Redis(**OPTIONS)
    pipe.watch("t")
    other.set("t", "changed")
    pipe.multi()
    pipe.set("t", "lost")
    show("overtaken", pipe.execute)
    show("transaction helper", lambda: conn.transaction(lambda p: p.multi() or p.get("t"), "t"))
    plain = conn.pipeline(transaction=False)
    show("pipeline", lambda: plain.mget("t", "none").zadd("pz", {"a": 1}).execute())
    show("lock", lambda: conn.set("lock", "token", nx=True, px=10000))


def server():
    call("ping")
    call("echo", "hi")
    show("time", lambda: len(conn.time()))
    call("config_get", "maxmemory-policy", "hz")
    call("config_set", "maxmemory-samples", 7)
    call("config_get", "maxmemory-samples")
    call("config_set", "no-such", 1)
    call("config_resetstat")
    show("info", lambda: (conn.info("server")["redis_version"],
                          conn.info("keyspace").keys(), conn.info("replication")["role"]))
    call("client_setname", "me")
    call("client_getname")
    show("client_list", lambda: [(c["name"], c["cmd"], c["db"], c["resp"] if "resp" in c else "")
                                 for c in conn.client_list() if c["name"] == "me"])
    show("client_info", lambda: conn.client_info()["name"])
    show("client_id", lambda: conn.client_id() > 0)
    call("client_kill_filter", _id=123456789)
    call("client_unblock", 123456789)
    call("client_pause", 1)
    call("client_unpause")
    call("client_no_evict", "ON")
    call("client_trackinginfo")
    call("memory_usage", "none")
    call("memory_purge")
    show("memory_stats", lambda: sorted(conn.memory_stats().keys())[:6])
    call("slowlog_reset")
    call("slowlog_len")
    call("role")
    show("command_info", lambda: sorted(conn.execute_command("COMMAND", "INFO", "get")))
    call("command_getkeys", "MSET", "a", "b", "c", "d")
    call("execute_command", "LATENCY", "RESET")
    call("script_exists", "a" * 40)
    call("acl_whoami")
    call("acl_setuser", "ann", enabled=True, passwords=["+secret"], keys=["app:*"],
         categories=["+@read"], commands=["+set", "-flushall"])
    show("acl_getuser", lambda: canonical(conn.acl_getuser("ann")))
    call("acl_list")
    call("acl_users")
    show("acl_cat", lambda: sorted(conn.acl_cat("geo")))
    call("execute_command", "ACL", "DRYRUN", "ann", "get", "other")
    ann = redis.Redis(username="ann", password="secret", decode_responses=True, **OPTIONS)
    show("ann may", lambda: (ann.set("app:1", "x"), ann.get("app:1")))
    show("ann may not", lambda: ann.get("other"))
    show("ann may not", lambda: ann.flushall())
    # redis-py 8 would try again, seconds later.
    once = Retry(NoBackoff(), 0)
    wrong = redis.Redis(username="ann", password="wrong", retry=once, **OPTIONS)
    show("wrong password", wrong.ping)
    # redis-py 5 sends CLIENT SETINFO, which redis-server 7.0 does not know and ann may not use.
    show("acl_log", lambda: [(entry["reason"], entry["object"]) for entry in conn.acl_log()
                             if entry["object"] != "client|setinfo"])
    call("acl_log_reset")
    call("acl_deluser", "ann")


def streams():
    call("xadd", "s", {"a": 1, "b": "two"}, id="1-1")
    call("xadd", "s", {"a": 2, "b": "three"}, id="1-*")
    call("xadd", "s", {"c": "plain"}, id="2-1")
    call("xadd", "s", {"c": 4}, id="2-1")
    call("xadd", "none", {"c": 4}, nomkstream=True)
    call("xadd", "t", {"f": "v"}, id="5-5", maxlen=10, approximate=False)
    call("xlen", "s")
    call("xrange", "s")
    call("xrange", "s", min="(1-1", max="2", count=5)
    call("xrevrange", "s", count=2)
    call("xread", {"s": "1-1", "t": 0}, count=2)
    call("xread", {"s": "$"})
    call("xread", {"s": "$"}, block=1)
    call("xgroup_create", "s", "g", id=0)
    call("xgroup_create", "s", "g", id=0)
    call("xgroup_create", "new", "g", id="$", mkstream=True)
    call("xgroup_createconsumer", "s", "g", "idle")
    call("xreadgroup", "g", "one", {"s": ">"}, count=2)
    call("xreadgroup", "g", "two", {"s": ">"}, count=5, noack=True)
    call("xreadgroup", "g", "one", {"s": 0})
    call("xreadgroup", "none", "one", {"s": ">"})
    call("xpending", "s", "g")
    show("xpending_range", lambda: [(one["message_id"], one["consumer"], one["times_delivered"])
                                    for one in conn.xpending_range("s", "g", "-", "+", 10)])
    call("xack", "s", "g", "1-1", "9-9")
    call("xclaim", "s", "g", "two", 0, ["1-2"])
    call("xclaim", "s", "g", "two", 0, ["1-2", "2-1"], justid=True, force=True, retrycount=7)
    call("xautoclaim", "s", "g", "three", 0, start_id="0", count=1)
    call("xautoclaim", "s", "g", "three", 0, justid=True)
    call("xdel", "s", "1-2")
    call("xautoclaim", "s", "g", "four", 0)
    call("xinfo_stream", "s")
    show("xinfo_groups", lambda: conn.xinfo_groups("s"))
    show("xinfo_consumers", lambda: [(one["name"], one["pending"])
                                     for one in conn.xinfo_consumers("s", "g")])
    show("xinfo_stream full", lambda: sorted(conn.xinfo_stream("s", full=True).keys()))
    call("xgroup_setid", "s", "g", "1-1")
    call("xgroup_delconsumer", "s", "g", "three")
    call("xtrim", "s", maxlen=1, approximate=False)
    call("xtrim", "s", minid="9-0", approximate=False)
    call("xgroup_destroy", "s", "g")
    show("work shared and taken over", work)


def entries_of(reply):
    """The entries of the one stream in a reply, which is a map in RESP3."""
    if isinstance(reply, dict):
        [entries] = reply.values()
        return entries[0] if entries and isinstance(entries[0], list) else entries
    return reply[0][1]


def work():
    """Two workers share a job list; one dies with entries in its hands; the other takes them."""
    conn.xgroup_create("jobs", "workers", id=0, mkstream=True)
    for number in range(20):
        conn.xadd("jobs", {"number": number}, id="1-%d" % (number + 1))
    done = []

    def handle(worker, entries):
        for entry_id, fields in entries:
            done.append(int(fields["number"]))
            conn.xack("jobs", "workers", entry_id)

    held = entries_of(conn.xreadgroup("workers", "dies", {"jobs": ">"}, count=7))
    handle("lives", entries_of(conn.xreadgroup("workers", "lives", {"jobs": ">"}, count=9)))
    _, claimed = conn.xautoclaim("jobs", "workers", "lives", 0)[:2]
    handle("lives", claimed)
    while True:
        found = conn.xreadgroup("workers", "lives", {"jobs": ">"}, count=3)
        if not found:
            break
        handle("lives", entries_of(found))
    return len(held), len(claimed), sorted(done), conn.xpending("jobs", "workers")["pending"]


for family in (strings, bitmaps, hyperloglogs, lists, hashes, sets, sorted_sets, geo, streams, keys,
               publish, events, transactions, server):
    conn.flushall()
    print("==", family.__name__)
    family()
