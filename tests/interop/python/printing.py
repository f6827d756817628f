"""What the programs that call redis-py's methods share: a line for each call, the same each time."""

import redis


def canonical(reply):
    """Sets and maps in order, so that both servers print the same."""
    if isinstance(reply, (set, frozenset)):
        return "{%s}" % ", ".join(sorted(map(repr, reply)))
    if isinstance(reply, dict):
        return {key: canonical(reply[key]) for key in sorted(reply, key=repr)}
    if isinstance(reply, list):
        return [canonical(item) for item in reply]
    return reply


def show(name, call):
    """Prints what a call gives, or its error."""
    try:
        print(name, canonical(call()))
    except redis.exceptions.RedisError as error:
        print(name, type(error).__name__, error)


def caller(conn):
    """A function that calls a method of the connection by its name, and prints what came back."""

    def call(name, *args, **options):
        show("%s %s %s" % (name, args, options or ""), lambda: getattr(conn, name)(*args, **options))

    return call
