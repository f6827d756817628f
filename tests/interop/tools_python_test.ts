/**
 * Libraries of Python that keep something in Redis: Django's and Werkzeug's caches, the queues of
 * kombu (which Celery stands on), the lock of redis-py as far as it needs no script.
 */

import { assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { startServer } from "../support/server_process.ts";
import { pythonWith, runTool, testWith } from "../support/tool_availability.ts";

const MODULES = ["django_redis", "cachelib", "kombu"];
const NEEDS = ["redis-py", `python:${MODULES.join()}`] as const;

testWith(NEEDS, "caches and queues of Python do their work", async () => {
  await using server = await startServer();
  const script = fromFileUrl(new URL("python/caches.py", import.meta.url));
  const { stdout } = await runTool(pythonWith(...MODULES)!, [script, String(server.port)]);
  assertEquals(stdout.trimEnd().split("\n").map((line) => JSON.parse(line)), [
    ["django-redis", [{ x: [1] }, true, { b: 2, c: 2 }, false, ["a", "b", "c"], 3]],
    ["cachelib", [true, [1, 2], false, 1, true, true, null]],
    ["kombu", [1, 2]],
    ["redis-py lock", [true, false, true]],
  ]);
});
