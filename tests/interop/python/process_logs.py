"""Log processing whose progress is kept with the data: python3 process_logs.py <port> <log>.

Counts the words of a log, as in the notebook: the position reached is written by MSET in the
same transaction as the counts, so a process killed at any moment leaves both
in step, and the next one goes on where it stopped.
"""

import sys

import redis

LINES_PER_TRANSACTION = 10


def process_log(conn, path):
    name, position = conn.mget("progress:file", "progress:position")
    offset = int(position) if name == path.encode() else 0
    pipe = conn.pipeline()

    def update_progress():
        pipe.mset({"progress:file": path, "progress:position": offset})
        pipe.execute()

    with open(path, "rb") as log:
        log.seek(offset)
        for number, line in enumerate(log):
            word = line.strip()
            pipe.zincrby("log:words", 1, word)
            pipe.hincrby("log:totals", "lines", 1)
            pipe.rpush("log:tail", word)
            offset += len(line)
            if (number + 1) % LINES_PER_TRANSACTION == 0:
                update_progress()
        update_progress()


process_log(redis.Redis(port=int(sys.argv[1])), sys.argv[2])
