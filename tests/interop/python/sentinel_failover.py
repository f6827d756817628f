"""A failover through redis-py: python3 sentinel_failover.py <ports of sentinels>.

Prints the port of the master that Sentinel names, and, once another one answers, its port and what
it has of that which was written to the first.
"""

import json
import sys
import time

import redis
from redis.sentinel import Sentinel

sentinel = Sentinel([("127.0.0.1", int(port)) for port in sys.argv[1:]], socket_timeout=5)
# WAIT may take as long as a busy machine needs.
master = sentinel.master_for("mymaster", socket_timeout=60, decode_responses=True)


def master_port():
    return master.config_get("port")["port"]


def show(*values):
    print(json.dumps(values), flush=True)


with master.client() as connection:
    connection.set("redis-py", "written before")
    confirmed = connection.wait(1, 50000)
first = following = master_port()
show(first, confirmed)
while following == first:
    time.sleep(0.05)
    try:
        master.incr("redis-py:count")
        following = master_port()
    except redis.RedisError:
        pass  # There is no master for the time being.
kept = master.get("redis-py")
show(following, kept, "OK" if master.set("redis-py", "written after") else None)
