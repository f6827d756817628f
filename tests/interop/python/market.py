"""The market of the notebook, driven through redis-py: python3 market.py <port>.

Two users, one item. The seller lists it, the buyer buys it; every intermediate reply is printed, so
that the test which runs this script compares the whole transcript.
"""

import sys
import time
import warnings

import redis

warnings.simplefilter("ignore", DeprecationWarning)  # hmset is what the notebook uses


def list_item(conn, item_id, seller_id, price):
    """Moves an item from the seller's inventory to the market, unless the inventory changes."""
    inventory = "inventory:%s" % seller_id
    item = "%s.%s" % (item_id, seller_id)
    end = time.time() + 5
    pipe = conn.pipeline()
    while time.time() < end:
        try:
            pipe.watch(inventory)
            if not pipe.sismember(inventory, item_id):
                pipe.unwatch()
                return None
            pipe.multi()
            pipe.zadd("market:", {item: price})
            pipe.srem(inventory, item_id)
            pipe.execute()
            return True
        except redis.exceptions.WatchError:
            continue
    return False


def purchase_item(conn, buyer_id, item_id, seller_id, listed_price):
    """Buys an item at the listed price, unless the market or the buyer's funds change."""
    buyer = "users:%s" % buyer_id
    seller = "users:%s" % seller_id
    item = "%s.%s" % (item_id, seller_id)
    inventory = "inventory:%s" % buyer_id
    end = time.time() + 10
    pipe = conn.pipeline()
    while time.time() < end:
        try:
            pipe.watch("market:", buyer)
            price = pipe.zscore("market:", item)
            funds = float(pipe.hget(buyer, "funds"))
            if price != listed_price or price > funds:
                pipe.unwatch()
                return None
            pipe.multi()
            pipe.hincrbyfloat(seller, "funds", price)
            pipe.hincrbyfloat(buyer, "funds", -price)
            pipe.sadd(inventory, item_id)
            pipe.zrem("market:", item)
            print("exec", pipe.execute())
            return True
        except redis.exceptions.WatchError:
            continue
    return False


def main():
    conn = redis.Redis(port=int(sys.argv[1]))
    print("ping", conn.ping())
    conn.flushdb()
    print("hmset", conn.hmset("users:1", {"name": "Frank", "funds": 100}))
    print("hmset", conn.hmset("users:2", {"name": "Bill", "funds": 43}))
    print("sadd", conn.sadd("inventory:1", "itemA", "itemB"))
    print("list", list_item(conn, "itemX", 1, 40), list_item(conn, "itemB", 1, 40))
    print("market", conn.zrange("market:", 0, -1, withscores=True))
    print("left", conn.smembers("inventory:1"))
    print("too dear", purchase_item(conn, 2, "itemB", 1, 41))
    print("buy", purchase_item(conn, 2, "itemB", 1, 40))
    print("funds", conn.hget("users:1", "funds").decode(), conn.hget("users:2", "funds").decode())
    print("seller", conn.hgetall("users:1"))
    print("buyer", conn.hgetall("users:2"), conn.smembers("inventory:2"))
    print("market", conn.zrange("market:", 0, -1, withscores=True), conn.exists("market:"))
    plain = conn.pipeline(False)
    plain.mset({"a": 1, "b": 2})
    plain.mget("a", "missing", "b")
    print("plain pipeline", plain.execute())
    wrapped = conn.pipeline()
    wrapped.incr("a").expire("a", 100).ttl("a")
    print("wrapped pipeline", wrapped.execute())
    print("save", conn.save())


main()
