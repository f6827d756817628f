"""One of several processes that race on WATCH: python3 watch_race.py <port> <increments>.

Raises a counter by GET, MULTI, SET, EXEC under WATCH, retrying after each WatchError, and moves one
unit of money between two accounts in the same transaction. Prints how often it was overtaken.
"""

import sys

import redis


def main():
    conn = redis.Redis(port=int(sys.argv[1]))
    conflicts = 0
    # Start together, or the first process could be done before the second has begun.
    conn.incr("race:ready")
    while int(conn.get("race:ready")) < int(sys.argv[3]):
        pass
    for _ in range(int(sys.argv[2])):
        pipe = conn.pipeline()
        while True:
            try:
                pipe.watch("race:counter", "race:from")
                count = int(pipe.get("race:counter") or 0)
                left = int(pipe.hget("race:from", "funds"))
                pipe.multi()
                pipe.set("race:counter", count + 1)
                pipe.hset("race:from", "funds", left - 1)
                pipe.hincrby("race:to", "funds", 1)
                pipe.execute()
                break
            except redis.exceptions.WatchError:
                conflicts += 1
    print(conflicts)


main()
