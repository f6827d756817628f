/**
 * Clients that ask Sentinel where the master is follow a failover: redis-py, ioredis, node-redis.
 * Each writes to the first master and, when that is killed, to whoever answers next, which must
 * have what WAIT has confirmed.
 */
import { assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { startPeer } from "../support/replication_pair.ts";
import { Sentinels } from "../support/sentinels.ts";
import { fromUtf8, until } from "../support/text.ts";
import {
  NPM_RUN_ARGUMENTS,
  pythonWithRedis,
  testWith,
  type Tool,
} from "../support/tool_availability.ts";

const NPM_PERMISSIONS = ["--allow-net", "--allow-env", "--allow-sys", "--allow-read"];

function npmCommand(script: string): string[] {
  const path = fromFileUrl(new URL(`npm/${script}`, import.meta.url));
  return [Deno.execPath(), "run", "--quiet", ...NPM_RUN_ARGUMENTS, ...NPM_PERMISSIONS, path];
}

const CLIENTS: readonly (readonly [name: string, tool: Tool, command: () => string[]])[] = [
  ["redis-py", "redis-py", () => [
    pythonWithRedis()!,
    fromFileUrl(new URL("python/sentinel_failover.py", import.meta.url)),
  ]],
  ["ioredis", "npm:ioredis@5", () => npmCommand("ioredis_sentinel.mjs")],
  ["node-redis", "npm:redis@5", () => npmCommand("node_redis_sentinel.mjs")],
];

/** A script of a client, and the lines that it has printed. */
class Session implements AsyncDisposable {
  readonly lines: unknown[] = [];
  log = "";
  readonly #child: Deno.ChildProcess;
  readonly #outputs: Promise<unknown>;
  #isRunning = true;

  constructor([program, ...args]: string[]) {
    const command = new Deno.Command(program, { args, stdout: "piped", stderr: "piped" });
    this.#child = command.spawn();
    this.#child.status.then(() => this.#isRunning = false);
    this.#outputs = Promise.all([
      this.#read(this.#child.stdout, (text) => {
        const parts = text.split("\n");
        this.lines.push(...parts.slice(0, -1).map((line) => JSON.parse(line)));
        return parts.at(-1)!;
      }),
      this.#read(this.#child.stderr, (text) => {
        this.log += text;
        return "";
      }),
    ]);
  }

  /** Waits until it has printed so many lines, and returns the last one. */
  async line(count: number): Promise<unknown> {
    await until(`line ${count}`, () => {
      if (this.lines.length >= count) return true;
      if (this.#isRunning) return false;
      throw new Error(`The client has ended:\n${this.log}`);
    });
    return this.lines[count - 1];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isRunning) this.#child.kill("SIGKILL");
    await this.#child.status;
    await this.#outputs;
  }

  async #read(
    stream: ReadableStream<Uint8Array>,
    take: (text: string) => string,
  ): Promise<void> {
    let rest = "";
    for await (const chunk of stream) rest = take(rest + fromUtf8(chunk));
  }
}

for (const [name, tool, command] of CLIENTS) {
  const tools: Tool[] = ["redis-server", "redis-sentinel", tool];
  testWith(tools, `${name} follows a failover through Sentinel`, async () => {
    await using master = await startPeer("redeno");
    const args = ["--replicaof", `127.0.0.1 ${master.port}`];
    await using replica = await startPeer("redeno", { args });
    await using sentinels = new Sentinels(master.port);
    await sentinels.untilWatching(1);
    await using session = new Session([...command(), ...sentinels.ports.map(String)]);
    const [port, confirmed] = await session.line(1) as [string, number];
    assertEquals(confirmed, 1);
    // Sentinel may have changed them already, where the machine is slow.
    const [first, next] = port === String(master.port) ? [master, replica] : [replica, master];
    assertEquals(port, String(first.port));
    await first.kill();
    assertEquals(await session.line(2), [String(next.port), "written before", "OK"]);
  });
}
