/**
 * A process beside the one that has started servers: when that one ends, however it ends (a signal,
 * SIGKILL, a crash), it ends the servers that were left running and takes away their temporary
 * directories. A process that is killed cannot do so itself, and one that listens for signals would
 * change what they do to the program around it.
 *
 * It reads from standard input, one JSON object a line: `{ id, pid, directory, isTemporary }` is a
 * server to keep, whose pid is null until it is started; `{ id }` is one to forget. The end of the
 * input is the end of the other process.
 */
import { rm } from "node:fs/promises";
import process from "node:process";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";

/** What a server with a directory of its user's may take to save its data. */
const SAVE_MS_MAX = 30_000;
const POLL_MS = 20;

/** The servers by id. */
const kept = new Map();

// Ctrl-C reaches all processes of a terminal; this one has its work still before it.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {});

for await (const line of createInterface({ input: process.stdin })) {
  const { id, ...server } = JSON.parse(line);
  if (server.directory === undefined) kept.delete(id);
  else kept.set(id, server);
}
await Promise.all([...kept.values()].map(end));

/** Ends a server; one whose data outlive it may save them first. */
async function end({ pid, directory, isTemporary }) {
  if (pid !== null) {
    if (!isTemporary) await endGently(pid);
    kill(pid, "SIGKILL");
  }
  // A process that is being killed may still make a file.
  const options = { recursive: true, force: true, maxRetries: 20, retryDelay: POLL_MS };
  if (isTemporary) await rm(directory, options);
}

async function endGently(pid) {
  kill(pid, "SIGTERM");
  for (let waited = 0; waited < SAVE_MS_MAX && kill(pid, 0); waited += POLL_MS) {
    await pause(POLL_MS);
  }
}

/** Sends a signal; false if there is no such process any more. */
function kill(pid, signal) {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
