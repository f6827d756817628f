"""Celery with Redis as its broker and its store of results: celery_session.py <port>.

The file is both the application that a worker loads (the port comes by the environment then) and
the program that starts the worker and gives it work. Prints one JSON line per step.
"""

import json
import os
import subprocess
import sys
import time

from celery import Celery, chain, chord, group
from celery.result import GroupResult

port = int(os.environ.get("REDENO_PORT") or sys.argv[1])
url = f"redis://127.0.0.1:{port}"
app = Celery("celery_session", broker=f"{url}/0", backend=f"{url}/1")
app.conf.update(
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    task_track_started=True,
    result_expires=600,
    broker_transport_options={"visibility_timeout": 600, "priority_steps": [0, 5, 9]},
)
WAIT_S = 120


@app.task
def add(one, other):
    return one + other


@app.task
def total(numbers):
    return sum(numbers)


@app.task(bind=True, max_retries=3)
def succeed_later(self):
    if self.request.retries < 2:
        raise self.retry(countdown=0)
    return self.request.retries


@app.task
def fail():
    raise ValueError("on purpose")


def show(name, value):
    print(json.dumps([name, value]), flush=True)


def start_worker():
    command = [sys.executable, "-m", "celery", "-A", "celery_session", "worker"]
    command += ["--pool", "solo", "--loglevel", "critical", "--concurrency", "1"]
    directory = os.path.dirname(os.path.abspath(__file__))
    environment = {**os.environ, "REDENO_PORT": str(port), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.Popen(command, cwd=directory, env=environment, stdout=sys.stderr)


def main():
    worker = start_worker()
    try:
        work()
    finally:
        worker.terminate()
        show("worker ends", worker.wait(WAIT_S))


def work():
    show("task", add.delay(2, 3).get(WAIT_S))
    show("many", [one.get(WAIT_S) for one in [add.delay(i, i) for i in range(20)]])
    show("chain", chain(add.s(1, 2), add.s(3), add.s(4))().get(WAIT_S))
    both = group(add.s(i, 1) for i in range(5))()
    show("group", [both.get(WAIT_S), both.completed_count()])
    both.save()
    show("saved", GroupResult.restore(both.id).get(WAIT_S))
    show("chord", chord((add.s(i, i) for i in range(6)), total.s())().get(WAIT_S))
    show("countdown", add.apply_async((1, 1), countdown=0.5).get(WAIT_S))
    show("retries", succeed_later.delay().get(WAIT_S))
    failed = fail.delay()
    show("failure", [str(failed.get(WAIT_S, propagate=False)), failed.state])
    show("priorities", [add.apply_async((i, 0), priority=i).get(WAIT_S) for i in (0, 5, 9)])
    forgotten = add.delay(1, 1)
    forgotten.get(WAIT_S)
    forgotten.forget()
    show("forgotten", forgotten.state)
    show("ping", [list(answer.values())[0]["ok"] for answer in app.control.ping(timeout=WAIT_S, limit=1)])
    revoked = add.apply_async((1, 1), countdown=3600)
    revoked.revoke()
    until = time.monotonic() + WAIT_S
    while revoked.id not in str(app.control.inspect(timeout=WAIT_S, limit=1).revoked()):
        assert time.monotonic() < until
    show("revoked", True)


if __name__ == "__main__":
    main()
