"""What redis-py 8 does that older ones do not: python3 newest_families.py <port>.

It speaks RESP3 without being told to. Prints one line per call, as every_family.py does.
"""

import sys
import time

import redis
from redis.cache import CacheConfig
from redis.commands.core import HashDataPersistOptions

from printing import caller, show

PORT = int(sys.argv[1])
conn = redis.Redis(port=PORT, decode_responses=True)
other = redis.Redis(port=PORT, decode_responses=True)
LIBRARY = """#!lua name=lib
redis.register_function('double', function(keys, args) return {double = args[1] / 4} end)
redis.register_function{function_name='show', callback=function(keys)
  redis.setresp(3)
  return redis.call('HGETALL', keys[1])
end, flags={'no-writes'}}"""
call = caller(conn)


def handshake():
    info = conn.client_info()
    print("resp", info["resp"], "library", info["lib-name"], bool(info["lib-ver"]))
    call("client_setinfo", "LIB-NAME", "mine")
    call("client_setinfo", "LIB-NAME", "two words")
    call("client_setinfo", "LIB-AGE", "1")
    call("execute_command", "CLIENT NO-TOUCH", "ON")
    call("execute_command", "CLIENT MAINT_NOTIFICATIONS", "ON")


def field_expiry():
    call("hset", "h", mapping={"a": 1, "b": 2, "c": 3, "d": 4})
    call("hexpire", "h", 100, "a", "none")
    call("hexpire", "h", 50, "a", "b", gt=True)
    call("hpexpire", "h", 100000, "b", nx=True)
    call("hexpireat", "h", 4102444800, "c")
    call("hpexpireat", "h", 4102444800123, "d")
    call("hexpiretime", "h", "c", "d", "none")
    call("hpexpiretime", "h", "c", "d", "none")
    show("httl", lambda: [0 < ttl <= 100 for ttl in conn.httl("h", "a", "b")])
    show("hpttl", lambda: [0 < ttl <= 100000 for ttl in conn.hpttl("h", "a", "b")])
    call("hpersist", "h", "a", "none")
    call("hexpire", "none", 10, "a")
    call("hexpire", "h", -1, "b")
    call("hgetex", "h", "a", "none", ex=100)
    call("hgetex", "h", "a", persist=True)
    call("hsetex", "h", mapping={"e": 5, "f": 6}, px=100000)
    call("hsetex", "h", "e", 7, data_persist_option=HashDataPersistOptions.FNX)
    call("hgetdel", "h", "e", "none")
    show("hscan", lambda: sorted(conn.hscan("h", no_values=True)[1]))
    call("hgetall", "h")
    call("object", "encoding", "h")
    call("httl", "other", "a")
    call("set", "text", "x")
    call("httl", "text", "a")


def later_commands():
    call("zadd", "z", {"one": 1, "two": 2.5})
    call("zrank", "z", "two", withscore=True)
    call("zrevrank", "z", "none", withscore=True)
    call("waitaof", 0, 0, 10)
    call("waitaof", 1, 0, 10)
    call("mset", {"a": "\x0f", "b": "\x3c"})
    for operation in ("DIFF", "DIFF1", "ANDOR", "ONE"):
        call("bitop", operation, "to", "a", "b")
    call("xadd", "s", {"f": "v"}, id="1-1")
    call("xgroup_create", "s", "g", id=0)
    call("xgroup_createconsumer", "s", "g", "c")
    show("xinfo_consumers", lambda: sorted(conn.xinfo_consumers("s", "g")[0]))
    call("xreadgroup", "g", "c", {"s": ">"})
    call("xackdel", "s", "g", "1-1", "9-9")
    call("xdelex", "s", "1-1")
    call("xread", {"s": "+"})
    call("client_kill_filter", _id=123456789, maxage=100)


def scripts():
    call("eval", "return {1, 'two', {3}}", 0)
    call("eval", "redis.setresp(3) return redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')", 1, "z")
    call("eval", "return {map = {a = 1}}", 0)
    call("eval", "return {err = 'MY words'}", 0)
    call("eval_ro", "return redis.call('SET', KEYS[1], 1)", 1, "k")
    script = conn.register_script("return redis.call('INCRBY', KEYS[1], ARGV[1])")
    show("registered", lambda: script(keys=["n"], args=[7]))
    call("script_exists", script.sha)
    call("function_load", LIBRARY)
    call("fcall", "double", 0, 1)
    call("fcall_ro", "show", 1, "h")
    show("function_list", lambda: len(conn.function_list("lib")))
    call("function_stats")
    call("function_delete", "lib")


def sharded():
    pubsub = conn.pubsub()
    pubsub.ssubscribe("part")
    pubsub.subscribe("whole")
    seen = []
    while len(seen) < 2:
        seen += [message for message in [pubsub.get_message(timeout=1)] if message]
    call("spublish", "part", "one")
    call("publish", "whole", "two")
    call("pubsub_shardchannels")
    call("pubsub_shardnumsub", "part")
    while len(seen) < 4:
        seen += [message for message in [pubsub.get_message(timeout=1)] if message]
    print("seen", sorted(str(sorted(message.items())) for message in seen))
    pubsub.close()


def until(is_so):
    """Waits for an event that the server announces."""
    for _ in range(1000):
        if is_so():
            return True
        time.sleep(0.01)
    return False


def cached():
    near = redis.Redis(port=PORT, decode_responses=True, cache_config=CacheConfig())
    other.set("near", "one")
    cache = near.get_cache()
    print("first", near.get("near"), "held", len(cache.collection))
    print("again", near.get("near"), "held", len(cache.collection))
    other.set("near", "two")
    print("heard of the change", until(lambda: near.get("near") == "two"))
    other.hset("nearby", "f", "v")
    print("hash", near.hgetall("nearby"), near.hget("nearby", "f"))
    other.flushall()
    print("heard of the end", until(lambda: near.get("near") is None and near.hgetall("nearby") == {}))
    near.close()


conn.flushall()
for family in (handshake, field_expiry, later_commands, scripts, sharded, cached):
    print("==", family.__name__)
    family()
