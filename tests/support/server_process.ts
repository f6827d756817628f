/**
 * Starts a real server process for a test, waits until it serves, and takes it down again.
 *
 * Two targets speak the same command line, so one test can judge both:
 *   - `redeno`, the default: as the `start` task of deno.json runs it, with its permissions, or the
 *     compiled executable named by REDENO_BINARY;
 *   - `redis`: redis-server from the PATH. REDENO_TEST_TARGET=redis makes it the default, which
 *     proves that a test describes Redis before it judges us.
 *
 * Ours answers as redis-server 7.0 (test_release.ts) unless a test chooses another release, or
 * none: "default" is what a user gets who says nothing.
 *
 * REDENO_TEST_TRANSPORT (epoll or runtime) is what carries the clients of our server, unless a test
 * chooses.
 *
 * A server without a directory gets a temporary one, which goes when the server is disposed of.
 */

import { random } from "../../src/base/random.ts";
import type { RedisRelease } from "../../src/config/version.ts";
import { RespClient } from "./resp_client.ts";
import { RespError } from "./resp_reply.ts";
import { testPorts } from "./test_ports.ts";
import { testRelease } from "./test_release.ts";
import { delay, fromUtf8, until, WAIT_MS_MAX } from "./text.ts";

export type ServerTarget = "redeno" | "redis";

export interface ServerOptions {
  target?: ServerTarget;
  /** Directives as on the command line, after the defaults: ["--maxmemory", "1mb"]. */
  args?: readonly string[];
  /** Save points; none unless given, so that no test writes a file unasked. */
  save?: string;
  /** Working directory of the data files; a temporary one unless given. */
  directory?: string;
  /** A configuration file to name first on the command line. */
  configFile?: string;
  /** For a test that wants to connect before the server is ready; a free one unless given. */
  port?: number;
  /** How long to wait for the first PONG. */
  readyTimeoutMs?: number;
  /** The release as which our server answers; `testRelease` unless given. */
  release?: RedisRelease | "default";
  /** The executable to start, if it is not the usual one of the target. */
  program?: string;
  /** The task of deno.json to start our server with; `start` unless given. */
  task?: string;
  /** Texts in slices are scribbled over when their time is up (strict_slices.ts); from source. */
  isStrict?: boolean;
  /** Environment variables besides those of the tests. */
  env?: Readonly<Record<string, string>>;
}

const ROOT = new URL("../../", import.meta.url);
const running = new Set<Deno.ChildProcess>();

globalThis.addEventListener("unload", () => {
  for (const child of running) killIfRunning(child, "SIGKILL");
});

/** The target of tests that do not choose: REDENO_TEST_TARGET, or our server. */
export function defaultTarget(): ServerTarget {
  const wanted = Deno.env.get("REDENO_TEST_TARGET") ?? "redeno";
  if (wanted !== "redis" && wanted !== "redeno") {
    throw new TypeError(`Cannot use REDENO_TEST_TARGET: expected "redis" or "redeno": "${wanted}"`);
  }
  return wanted;
}

const givenPorts = new Set<number>();

/**
 * A TCP port that was free a moment ago; not the same twice, for who asked may not use it yet, and
 * none that the system may give to a client meanwhile. Throws if none is left.
 */
export function freePort(): number {
  const { first, last } = testPorts();
  for (;;) {
    if (givenPorts.size > last - first) throw new Error(`Cannot find a port: ${first}-${last}`);
    const port = first + random.below(last - first + 1);
    if (givenPorts.has(port)) continue;
    givenPorts.add(port);
    if (isFree(port)) return port;
  }
}

function isFree(port: number): boolean {
  try {
    Deno.listen({ hostname: "127.0.0.1", port }).close();
    return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    return false;
  }
}

/** Program and leading arguments that start a target; `isStrict` as in ServerOptions. */
export function launchCommand(
  target: ServerTarget,
  taskName = "start",
  isStrict = false,
): string[] {
  if (target === "redis") return ["redis-server"];
  const binary = Deno.env.get("REDENO_BINARY");
  if (binary !== undefined && taskName === "start") return [binary];
  const config = JSON.parse(Deno.readTextFileSync(new URL("deno.json", ROOT)));
  const task = config.tasks?.[taskName];
  const command: string = typeof task === "string" ? task : task.command;
  const words = command.trim().split(/\s+/);
  if (words[0] !== "deno") throw new Error(`Cannot read the start task: "${command}"`);
  const preloads = isStrict ? [`--preload=${new URL("strict_slices.ts", import.meta.url)}`] : [];
  return [Deno.execPath(), words[1]!, ...preloads, ...words.slice(2)];
}

function directiveArguments(options: ServerOptions, port: number, directory: string): string[] {
  const args = options.configFile === undefined ? [] : [options.configFile];
  args.push("--port", String(port), "--bind", "127.0.0.1", "--dir", directory);
  args.push("--save", options.save ?? "");
  const transport = Deno.env.get("REDENO_TEST_TRANSPORT");
  const isOurs = (options.target ?? defaultTarget()) === "redeno";
  if (transport !== undefined && isOurs) args.push("--transport", transport);
  const answersAs = options.release ?? testRelease();
  if (answersAs !== "default" && isOurs) args.push("--redis-version", answersAs);
  return [...args, ...(options.args ?? [])];
}

/** Starts a server and waits until it answers PING. Throws with its log if it does not. */
export async function startServer(options: ServerOptions = {}): Promise<ServerProcess> {
  const target = options.target ?? defaultTarget();
  const owned = options.directory === undefined;
  const directory = options.directory ?? await Deno.makeTempDir({ prefix: "redeno_test_" });
  const port = options.port ?? freePort();
  const [program, ...leading] = options.program === undefined
    ? launchCommand(target, options.task, options.isStrict)
    : [options.program];
  const child = new Deno.Command(program, {
    args: [...leading, ...directiveArguments(options, port, directory)],
    cwd: target === "redis" ? directory : ROOT,
    env: { ...options.env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  running.add(child);
  const server = new ServerProcess(target, port, directory, owned, child);
  try {
    await server.waitUntilReady(options.readyTimeoutMs ?? WAIT_MS_MAX);
  } catch (error) {
    const log = server.log;
    await server[Symbol.asyncDispose]();
    throw new Error(`Cannot start ${target}: ${(error as Error).message}\n${log}`);
  }
  return server;
}

/**
 * Runs a target to its end: for `--version`, wrong configurations and the like.
 * Returns its exit code and all it printed.
 */
export async function runToEnd(
  target: ServerTarget,
  args: readonly string[],
  stdin = "",
  task?: string,
): Promise<{ code: number; output: string }> {
  const [program, ...leading] = launchCommand(target, task);
  const child = new Deno.Command(program, {
    args: [...leading, ...args],
    cwd: ROOT,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(stdin));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  return { code, output: fromUtf8(stdout) + fromUtf8(stderr) };
}

export class ServerProcess implements AsyncDisposable {
  readonly pid: number;
  readonly exited: Promise<Deno.CommandStatus>;
  #log = "";
  #isRunning = true;
  readonly #outputEnds: Promise<unknown>;

  constructor(
    readonly target: ServerTarget,
    readonly port: number,
    readonly directory: string,
    readonly ownsDirectory: boolean,
    readonly child: Deno.ChildProcess,
  ) {
    this.pid = child.pid;
    this.#outputEnds = Promise.all([this.#collect(child.stdout), this.#collect(child.stderr)]);
    this.exited = child.status.then((status) => {
      this.#isRunning = false;
      running.delete(child);
      return status;
    });
  }

  /** Everything the server has printed so far. */
  get log(): string {
    return this.#log;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  connect(): Promise<RespClient> {
    return RespClient.connect(this.port);
  }

  async waitUntilReady(timeoutMs: number): Promise<void> {
    await until("first PONG", async () => {
      if (!this.#isRunning) throw new Error("Process ended before it served");
      try {
        using client = await this.connect();
        const reply = await client.call("PING");
        // NOAUTH also proves that the server serves; LOADING does not.
        return !(reply instanceof RespError) || reply.code === "NOAUTH";
      } catch (error) {
        if (error instanceof Deno.errors.ConnectionRefused) return false;
        throw error;
      }
    }, timeoutMs);
  }

  /** Asks the process to end and returns its exit code; kills it if it does not. */
  async stop(signal: "SIGTERM" | "SIGINT" = "SIGTERM"): Promise<number> {
    killIfRunning(this.child, signal);
    return await this.ended();
  }

  /** Waits for the process to end by itself and returns its exit code; kills it if it does not. */
  async ended(): Promise<number> {
    const timer = setTimeout(() => killIfRunning(this.child, "SIGKILL"), WAIT_MS_MAX);
    const status = await this.exited;
    clearTimeout(timer);
    await this.#outputEnds;
    if (status.signal === "SIGKILL") throw new Error(`Process did not end:\n${this.#log}`);
    return status.code;
  }

  /** Ends the process without a chance to save. */
  async kill(): Promise<void> {
    killIfRunning(this.child, "SIGKILL");
    await this.exited;
    await this.#outputEnds;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    if (this.ownsDirectory) await removeDirectory(this.directory);
  }

  async #collect(stream: ReadableStream<Uint8Array>): Promise<void> {
    for await (const chunk of stream) this.#log += fromUtf8(chunk);
  }
}

/** Removes a directory. One that is gone already is no failure to hide another one behind. */
async function removeDirectory(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function killIfRunning(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch (error) {
    // It has ended by itself, which is what was wanted.
    if (!(error instanceof TypeError)) throw error;
  }
}

/** A directory that outlives the servers of one test and goes with the test. */
export class TemporaryDirectory implements AsyncDisposable {
  private constructor(readonly path: string) {}

  static async create(): Promise<TemporaryDirectory> {
    return new TemporaryDirectory(await Deno.makeTempDir({ prefix: "redeno_test_" }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A server that was killed a moment ago may still be closing its files.
    await delay(0);
    await removeDirectory(this.path);
  }
}
