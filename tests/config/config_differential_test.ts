/**
 * The configuration beside a real redis-server 7.0.15: the same defaults name by name, and for many
 * CONFIG SETs the same answer and the same value afterwards. Skipped where redis-server is missing.
 */
import { assertEquals } from "@std/assert";
import { Config } from "../../src/config/config.ts";
import { testWith } from "../support/tool_availability.ts";

/** Defaults that differ on purpose (see config_values.ts), and what tells of the test's run. */
const DIFFERENT = ["save"];
const OF_THIS_RUN = ["port", "dir"];

const REFUSED_FOR_OTHER_REASONS = [
  "bind", // Redis binds at once.
  "port",
  "tls-port",
  "tls-cluster",
  "tls-replication",
  "requirepass", // Would lock the test out.
  "maxclients", // Redis asks the operating system.
  "activedefrag", // Debian's build refuses it.
  "appendonly", // Redis starts writing.
  "daemonize",
];

/** Parameters that Redis does not have. */
const OWN = [
  "accept-maint-notifications",
  "active-defrag-threshold-auto",
  "aof-load-corrupt-tail-max-size",
  "aof-rewrite-cpulist",
  "backup-sealed-ttl",
  "backupdirname",
  "bgsave-cpulist",
  "bio-cpulist",
  "cluster-announce-human-nodename",
  "commandlog-execution-slower-than",
  "commandlog-large-reply-max-len",
  "commandlog-large-request-max-len",
  "commandlog-reply-larger-than",
  "commandlog-request-larger-than",
  "commandlog-slow-execution-max-len",
  "hide-user-data-from-log",
  "locale-collate",
  "log-format",
  "log-timestamp-format",
  "max-new-connections-per-cycle",
  "max-new-tls-connections-per-cycle",
  "preload-file",
  "rdb-version",
  "redis-version",
  "script-memory-limit",
  "script-time-limit",
  "server-cpulist",
  "set-max-listpack-entries",
  "set-max-listpack-value",
  "shutdown-hands-over",
  "transport",
];

const TRIED_EVERYWHERE = [
  "",
  "yes",
  "NO",
  "0",
  "1",
  "-1",
  "-3000",
  "01",
  "+1",
  " 1",
  "77",
  "65536",
  "2147483648",
  "9223372036854775807",
  "9223372036854775808",
  "99999999999999999999",
  "1kb",
  "1gb",
  "5%",
  "101%",
  "1 2",
  "1 2 3",
  "10 1 20 2",
  "some text",
];

const TRIED_ONCE: ReadonlyArray<readonly [string, string]> = [
  ["save", "+5 1"],
  ["save", "10  1"],
  ["save", "10 99999999999"],
  ["save", "0 1"],
  ["client-output-buffer-limit", "normal 1kb 2k 3 slave 1mb 2mb 4"],
  ["client-output-buffer-limit", "NORMAL 1 2 99999999999"],
  ["client-output-buffer-limit", "master 1 2 3"],
  ["client-output-buffer-limit", "normal 1x 2 3"],
  ["client-output-buffer-limit", "normal 1 2 -3"],
  ["notify-keyspace-events", "KEA"],
  ["notify-keyspace-events", "AKEmn"],
  ["notify-keyspace-events", "KEx$lgsmn"],
  ["notify-keyspace-events", "KEdetzhs"],
  ["notify-keyspace-events", "Kq"],
  ["latency-tracking-info-percentiles", "1.5 2 99.99"],
  ["latency-tracking-info-percentiles", "1e1 0.12345678 100.0"],
  ["latency-tracking-info-percentiles", "0x10"],
  ["latency-tracking-info-percentiles", "inf"],
  ["latency-tracking-info-percentiles", "nan"],
  ["oom-score-adj", "relative"],
  ["oom-score-adj-values", "1 2 5000"],
  ["shutdown-on-sigint", "force SAVE"],
  ["shutdown-on-sigint", "save nosave"],
  ["shutdown-on-sigint", "default now"],
  ["shutdown-on-sigterm", "now  save"],
  ["loglevel", "NOTICE"],
  ["maxmemory-policy", "AllKeys-LRU"],
  ["proc-title-template", "{x"],
  ["proc-title-template", "x}"],
  ["proc-title-template", "{ title }"],
  ["proc-title-template", "{title} {port} {config-file}"],
  ["cluster-announce-hostname", "a_b"],
  ["hash-max-ziplist-entries", "12"],
  ["slave-priority", "33"],
  ["maxmemory", "20000000000gb"],
  ["hz", "0"],
  ["hz", "5000"],
  ["dir", "/tmp"],
  ["databases", "3"],
  ["nosuch", "3"],
  ["TIMEOUT", "abc"],
];

/** A real server, asked in RESP with one command at a time. */
class RealServer {
  readonly #process: Deno.ChildProcess;
  readonly #connection: Deno.Conn;
  #buffered = "";

  private constructor(process: Deno.ChildProcess, connection: Deno.Conn) {
    this.#process = process;
    this.#connection = connection;
  }

  static async start(directory: string): Promise<RealServer> {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr as Deno.NetAddr;
    listener.close();
    // The defaults are wanted, so nothing is set but what the test's surroundings need.
    const args = ["--port", String(port), "--dir", directory];
    const process = new Deno.Command("redis-server", { args, stdout: "piped" }).spawn();
    const lines = process.stdout.pipeThrough(new TextDecoderStream());
    for await (const chunk of lines) if (chunk.includes("Ready to accept")) break;
    return new RealServer(process, await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  async stop(): Promise<void> {
    this.#connection.close();
    this.#process.kill("SIGKILL");
    await this.#process.status;
  }

  /** A bulk string, a list of them, or the line of a status or error. */
  async ask(...args: string[]): Promise<string | string[]> {
    const parts = args.map((arg) => `$${new TextEncoder().encode(arg).length}\r\n${arg}\r\n`);
    const request = new TextEncoder().encode(`*${args.length}\r\n${parts.join("")}`);
    await this.#connection.write(request);
    const head = await this.#readLine();
    if (!head.startsWith("*")) return head;
    const list: string[] = [];
    for (let i = Number(head.slice(1)); i > 0; i--) {
      await this.#readLine();
      list.push(await this.#readLine());
    }
    return list;
  }

  async #readLine(): Promise<string> {
    const chunk = new Uint8Array(65536);
    for (;;) {
      const end = this.#buffered.indexOf("\r\n");
      if (end !== -1) {
        const line = this.#buffered.slice(0, end);
        this.#buffered = this.#buffered.slice(end + 2);
        return line;
      }
      const count = await this.#connection.read(chunk);
      if (count === null) throw new Error("The real server closed the connection");
      this.#buffered += new TextDecoder().decode(chunk.subarray(0, count));
    }
  }
}

async function withRealServer(test: (server: RealServer) => Promise<void>): Promise<void> {
  const directory = Deno.makeTempDirSync();
  const server = await RealServer.start(directory);
  try {
    await test(server);
  } finally {
    await server.stop();
    Deno.removeSync(directory, { recursive: true });
  }
}

function pairsOf(list: string[]): Array<[string, string]> {
  const pairs: Array<[string, string]> = [];
  for (let i = 0; i < list.length; i += 2) pairs.push([list[i]!, list[i + 1]!]);
  return pairs;
}

testWith(
  ["redis-server"],
  "CONFIG GET * has Redis's names and defaults",
  () =>
    withRealServer(async (server) => {
      const real = pairsOf(await server.ask("CONFIG", "GET", "*") as string[]);
      assertEquals(real.length, 192);
      const ours = new Map(new Config().matching(["*"]));
      for (const [name, value] of real) {
        const isComparable = !DIFFERENT.includes(name) && !OF_THIS_RUN.includes(name);
        if (isComparable) assertEquals(ours.get(name), value, name);
        else assertEquals(ours.has(name), true, name);
      }
      const known = new Set(real.map(([name]) => name));
      assertEquals([...ours.keys()].filter((name) => !known.has(name)).sort(), OWN);
    }),
);

testWith(
  ["redis-server"],
  "CONFIG SET answers as Redis does, right or wrong",
  () =>
    withRealServer(async (server) => {
      const config = new Config();
      const names = config.matching(["*"]).map(([name]) => name)
        .filter((name) => !REFUSED_FOR_OTHER_REASONS.includes(name) && !OWN.includes(name));
      const everywhere = names.flatMap((name) => TRIED_EVERYWHERE.map((text) => [name, text]));
      const differences: string[] = [];
      config.setAtStart("save", ["3600 1 300 100 60 10000"]);
      for (const [name, text] of [...everywhere, ...TRIED_ONCE] as Array<[string, string]>) {
        const what = `CONFIG SET ${name} '${text}'`;
        const realAnswer = await server.ask("CONFIG", "SET", name, text);
        const error = config.setMany([[name, text]]);
        const answer = error === null ? "+OK" : `-${error}`;
        if (answer !== realAnswer) differences.push(`${what}: ${answer}, Redis: ${realAnswer}`);
        if (OF_THIS_RUN.includes(name)) continue;
        const [, realValue = ""] = await server.ask("CONFIG", "GET", name) as string[];
        const value = config.get(name) ?? "";
        if (value !== realValue) differences.push(`after ${what}: ${value}, Redis: ${realValue}`);
      }
      assertEquals(differences, []);
    }),
);
