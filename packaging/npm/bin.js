#!/usr/bin/env node
/**
 * `npx redeno …`: runs the executable with the arguments, streams and signals of this process, and
 * ends as it ends.
 */
import { spawn } from "node:child_process";
import process from "node:process";
import { executablePath } from "./platform.js";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"];

try {
  const child = spawn(executablePath(), process.argv.slice(2), { stdio: "inherit" });
  // Ctrl-C reaches the whole group of the terminal, so the server has had it already.
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
    });
  }
  child.on("error", (error) => fail(error));
  child.on("exit", (code, signal) => {
    if (signal === null) return process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
} catch (error) {
  fail(error);
}

function fail(error) {
  process.stderr.write(`redeno: ${error.message}\n`);
  process.exit(1);
}
