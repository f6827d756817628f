"""Caches, queues and locks of Python that need no scripts: caches.py <port>.

Prints one JSON line per library.
"""

import json
import sys

import redis

port = int(sys.argv[1])
url = f"redis://127.0.0.1:{port}"


def use_django_redis():
    import django
    from django.conf import settings

    cache = {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": f"{url}/1"}
    settings.configure(CACHES={"default": cache})
    django.setup()
    from django.core.cache import cache

    cache.set("a", {"x": [1]}, 30)
    cache.set_many({"b": 1, "c": 2})
    cache.incr("b")
    seen = [cache.get("a"), cache.ttl("a") > 0, dict(cache.get_many(["b", "c"]))]
    return seen + [cache.add("a", 1), sorted(cache.keys("*")), cache.delete_pattern("*")]


def use_cachelib():
    from cachelib.redis import RedisCache

    cache = RedisCache("127.0.0.1", port)
    seen = [cache.set("k", [1, 2], timeout=10), cache.get("k"), cache.add("k", 1)]
    return seen + [cache.inc("n"), cache.has("k"), cache.delete("k"), cache.get("k")]


def use_kombu():
    from kombu import Connection

    with Connection(f"{url}/2") as connection:
        queue = connection.SimpleQueue("jobs")
        queue.put({"n": 1})
        queue.put({"n": 2})
        first = queue.get(timeout=10)
        first.requeue()
        payloads = []
        for _ in range(2):
            message = queue.get(timeout=10)
            payloads.append(message.payload["n"])
            message.ack()
        queue.close()
        return sorted(payloads)


def use_lock():
    client = redis.Redis(port=port)
    mine = client.lock("lock", timeout=60)
    other = client.lock("lock", timeout=60)
    return [mine.acquire(blocking=False), other.acquire(blocking=False), mine.owned()]


for name, use in [
    ("django-redis", use_django_redis),
    ("cachelib", use_cachelib),
    ("kombu", use_kombu),
    ("redis-py lock", use_lock),
]:
    print(json.dumps([name, use()]), flush=True)
