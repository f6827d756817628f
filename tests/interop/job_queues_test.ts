/**
 * Queues of jobs that stand on lists, scripts and channels: Celery, with its results, and Sidekiq.
 * Each starts a process of workers of its own.
 */
import { assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { startServer } from "../support/server_process.ts";
import { pythonWith, runTool, testWith } from "../support/tool_availability.ts";

/** Runs a script beside this file against a fresh server; returns the JSON lines that it prints. */
async function runSession(program: string, path: string): Promise<unknown[]> {
  await using server = await startServer();
  const script = fromFileUrl(new URL(path, import.meta.url));
  const { stdout } = await runTool(program, [script, String(server.port)]);
  return stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
}

testWith(
  ["redis-py", "python:celery"],
  "Celery runs tasks, chains, groups and chords",
  async () => {
    assertEquals(await runSession(pythonWith("celery")!, "python/celery_session.py"), [
      ["task", 5],
      ["many", Array.from({ length: 20 }, (_, index) => 2 * index)],
      ["chain", 10],
      ["group", [[1, 2, 3, 4, 5], 5]],
      ["saved", [1, 2, 3, 4, 5]],
      ["chord", 30],
      ["countdown", 2],
      ["retries", 2],
      ["failure", ["on purpose", "FAILURE"]],
      ["priorities", [0, 5, 9]],
      ["forgotten", "PENDING"],
      ["ping", ["pong"]],
      ["revoked", true],
      ["worker ends", 0],
    ]);
  },
);

testWith(
  ["sidekiq"],
  "Sidekiq runs jobs at once, in bulk, later, and keeps those that failed",
  async () => {
    assertEquals(await runSession("ruby", "ruby/sidekiq_session.rb"), [
      ["async", 5],
      ["bulk", 20_100],
      ["another queue", 1],
      ["scheduled", 2],
      ["left", [["later", 1]]],
      ["failed", ["FailJob", "on purpose", 0]],
      ["dead", [0, 1]],
      ["process", [3, ["default", "high"]]],
      ["stats", [0, 1]],
      ["workers end", 0],
    ]);
  },
);
