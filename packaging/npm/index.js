/**
 * Redeno for test suites on Node.js: `startServer` runs a real server in a process of its own, on a
 * free port, with a directory of its own, and takes both away at the end.
 *
 *   import { startServer } from "redeno";
 *
 *   const server = await startServer();
 *   const client = new Redis(server.url);
 *   …
 *   await server.close();
 *
 * The server ends with this process, however that ends, and does not keep it from ending: a second
 * process sees to that (keeper.js), so there are no signal handlers here. No client is included.
 */
import { spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { executablePath } from "./platform.js";

const READY = "Ready to accept connections";
const PORT_IN_USE = "Could not create server TCP listening socket";
/** Tries with another port, if somebody else takes the free one first. */
const PORT_TRIES = 5;
const END_TIMEOUT_MS = 30_000;
/** Directives whose words are no single value. */
const LINES = new Set(["user", "rename-command"]);
/** Lines of the log that an error shows. */
const SHOWN_LINES = 10;

/** The process that outlives this one, once there is a server. */
let keeper = null;
let lastId = 0;

export { executablePath };

/** Starts a server; see index.d.ts for the options. */
export async function startServer(options = {}) {
  const isTemporary = options.directory === undefined;
  const id = ++lastId;
  // Without a pause between the two: the process may end in any.
  const directory = isTemporary ? mkdtempSync(join(tmpdir(), "redeno-")) : options.directory;
  const keep = (pid) => tellKeeper({ id, pid, directory, isTemporary });
  keep(null);
  const leave = async () => {
    if (isTemporary) await rm(directory, { recursive: true, force: true });
    tellKeeper({ id });
  };
  try {
    const tries = options.port ? 1 : PORT_TRIES;
    for (let count = 1;; count++) {
      const port = options.port || await freePort();
      try {
        return await launch(port, directory, options, { keep, leave });
      } catch (error) {
        if (count === tries || !error.message.includes(PORT_IN_USE)) throw error;
      }
    }
  } catch (error) {
    await leave();
    throw error;
  }
}

/** Tells the keeper of a server, and starts it before the first. */
function tellKeeper(server) {
  if (keeper === null) {
    keeper = spawn(process.execPath, [fileURLToPath(new URL("keeper.js", import.meta.url))], {
      stdio: ["pipe", "ignore", "ignore"],
      // A session of its own: what is sent to all processes of this one is not meant for it.
      detached: process.platform !== "win32",
      windowsHide: true,
      // Options of this process (an inspector, a loader) are none of its business.
      env: { ...process.env, NODE_OPTIONS: "" },
    });
    // Without it servers work, too; they only may be left behind.
    keeper.on("error", () => {});
    keeper.stdin.on("error", () => {});
    keeper.unref();
    keeper.stdin.unref?.();
  }
  keeper.stdin.write(`${JSON.stringify(server)}\n`);
}

/** Resolves when the server serves; rejects with the end of its log if it does not. */
function launch(port, directory, { config = {}, log }, { keep, leave }) {
  const child = spawn(executablePath(), programArguments(port, directory, config), {
    stdio: ["ignore", "pipe", "pipe"],
    windowsHide: true,
  });
  if (child.pid !== undefined) keep(child.pid);
  return new Promise((resolve, reject) => {
    const lines = [];
    const hear = (line) => {
      log?.(line);
      if (lines.push(line) > SHOWN_LINES) lines.shift();
      if (line.includes(READY)) resolve(new RunningServer(child, port, directory, leave));
    };
    createInterface({ input: child.stdout }).on("line", hear);
    createInterface({ input: child.stderr }).on("line", hear);
    // Its number may be another's from now on.
    child.on("exit", () => keep(null));
    child.on("error", reject);
    // Behind the last output, so that the reason is in it.
    child.on("close", () => reject(new Error(`Cannot start redeno:\n${lines.join("\n")}`)));
  });
}

function programArguments(port, directory, config) {
  const args = ["--save", "", "--bind", "127.0.0.1", "--port", String(port), "--dir", directory];
  for (const [name, value] of Object.entries(config)) {
    for (const line of Array.isArray(value) ? value : [value]) {
      args.push(`--${name}`, ...wordsOf(name, line));
    }
  }
  return args;
}

function wordsOf(name, value) {
  if (typeof value === "boolean") return [value ? "yes" : "no"];
  return LINES.has(name) ? String(value).split(/ +/) : [String(value)];
}

class RunningServer {
  #child;
  #closed;
  #closing = null;

  constructor(child, port, directory, leave) {
    this.#child = child;
    this.port = port;
    this.directory = directory;
    this.url = `redis://127.0.0.1:${port}`;
    this.#closed = new Promise((resolve) => child.once("exit", resolve)).then(leave);
    // Whoever does not ask for `closed` must not hear of its failure as unhandled.
    this.#closed.catch(() => {});
    // What is left running must not keep a test run from ending.
    for (const each of [child, child.stdout, child.stderr]) each.unref?.();
  }

  get pid() {
    return this.#child.pid;
  }

  get closed() {
    // Somebody waits for the child, so the process may, too.
    this.#child.ref();
    return this.#closed;
  }

  close() {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  [Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose")]() {
    return this.close();
  }

  async #end() {
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), END_TIMEOUT_MS);
    await this.closed.finally(() => clearTimeout(timer));
  }
}

/** A TCP port that was free a moment ago. */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
