"""Each command family through redis-py's own methods: python3 families.py <port>.

Prints one line per family; the test compares the lines with what redis-server gave.
"""

import sys

import redis


def main():
    conn = redis.Redis(port=int(sys.argv[1]), decode_responses=True)
    conn.flushall()
    conn.set("s", "10", ex=100)
    print("strings", conn.incrby("s", 5), conn.append("s", "x"), conn.getrange("s", 0, 1),
          conn.setnx("s", "y"), conn.strlen("s"), conn.getset("s", "z"), conn.ttl("s"))
    conn.rpush("l", *range(5))
    print("lists", conn.lrange("l", 0, -1), conn.lpop("l"), conn.rpop("l"), conn.lindex("l", 0),
          conn.linsert("l", "before", "2", "x"), conn.lrem("l", 0, "x"), conn.llen("l"),
          conn.ltrim("l", 0, 1), conn.rpoplpush("l", "m"))
    print("hashes", conn.hset("h", mapping={"a": 1, "b": 2}), conn.hincrby("h", "a", 4),
          conn.hmget("h", "a", "nil"), sorted(conn.hkeys("h")), conn.hexists("h", "b"),
          conn.hdel("h", "b"), conn.hlen("h"))
    conn.sadd("x", "a", "b", "c")
    conn.sadd("y", "b", "c", "d")
    print("sets", sorted(conn.sinter("x", "y")), sorted(conn.sdiff("x", "y")),
          sorted(conn.sunion("x", "y")), conn.sismember("x", "a"), conn.smove("x", "y", "a"),
          conn.scard("y"), conn.sinterstore("z", ["x", "y"]))
    conn.zadd("scores", {"one": 1, "two": 2, "three": 3})
    print("sorted sets", conn.zrange("scores", 0, -1, withscores=True), conn.zrank("scores", "two"),
          conn.zincrby("scores", 0.5, "one"), conn.zrangebyscore("scores", "(1", "+inf"),
          conn.zcount("scores", 1, 2), conn.zremrangebyrank("scores", 0, 0), conn.zcard("scores"))
    print("keys", conn.exists("s", "l", "none"), conn.type("h"), conn.rename("s", "t"),
          conn.expire("t", 50), conn.persist("t"), conn.dbsize(), sorted(conn.scan_iter(match="*")),
          conn.delete("t", "none"))
    pubsub = conn.pubsub()
    pubsub.subscribe("news")
    print("pubsub", pubsub.get_message(timeout=5), conn.publish("news", "hello"),
          pubsub.get_message(timeout=5))
    print("server", conn.config_get("maxmemory-policy"), conn.client_setname("me"),
          conn.client_getname(), conn.info("server")["redis_version"], conn.echo("hi"))


main()
