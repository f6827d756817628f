"""redis-py over TLS with a client certificate and an ACL user, and CLIENT TRACKING by hand.

tls_session.py <port> <directory of certificates>; prints one JSON line per step.
"""

import json
import sys

import redis

port, directory = sys.argv[1:]


def connect():
    return redis.Redis(
        host="localhost", port=int(port), username="alice", password="s3cret",
        decode_responses=True, ssl=True, ssl_ca_certs=directory + "/ca.crt",
        ssl_certfile=directory + "/client.crt", ssl_keyfile=directory + "/client.key",
    )


def show(name, value):
    print(json.dumps([name, value]))


client = connect()
show("whoami", client.acl_whoami())
try:
    client.set("other", "1")
except redis.exceptions.NoPermissionError as error:
    show("forbidden", str(error))
client.set("app:large", "x" * 300_000)
show("large", len(client.get("app:large")))
with client.pipeline(transaction=True) as pipe:
    for index in range(500):
        pipe.incrby("app:sum", index)
    show("many", pipe.execute()[-1])

listener = connect()
pubsub = listener.pubsub(ignore_subscribe_messages=True)
pubsub.subscribe("__redis__:invalidate")
pubsub.get_message(timeout=5)
listening = [one for one in client.client_list(_type="pubsub")][0]["id"]
tracked = client.client()
tracked.execute_command("CLIENT", "TRACKING", "ON", "REDIRECT", listening)
tracked.get("app:cached")
client.set("app:cached", "new")
message = pubsub.get_message(timeout=5)
show("invalidated", [message["channel"], message["data"]])
