/**
 * Redeno as a library: `startServer` runs a whole server inside of this process, for tests and
 * programs that want a Redis of their own.
 *
 *   import { startServer } from "redeno";
 *
 *   Deno.test("a visit is counted", async () => {
 *     await using server = await startServer();
 *     const client = new Redis(server.url);
 *     …
 *   });
 *
 * Several servers live side by side: nothing is shared but the thread and the clock. There are no
 * signal handlers, and the process is never ended: SHUTDOWN closes the server that received it. As
 * all of them run on the calling thread, code that computes for a second keeps its servers waiting
 * for a second. Clients are carried by the runtime's sockets, as a loop of our own would wait
 * where others have something to do.
 *
 * It takes the permissions --allow-net, --allow-read, --allow-write and --allow-sys.
 *
 * Not here: a client, and daemons; for those there is the program (main.ts).
 */
import { readableText, utf8AsLatin1 } from "./src/base/bytes.ts";
import { Log } from "./src/base/log.ts";
import { commandRows } from "./src/commands/table.ts";
import { REDIS_CLOSE_NOW } from "./src/session/client.ts";
import { type Config, findParameter } from "./src/config/config.ts";
import { renameCommands } from "./src/server/config_effects.ts";
import { ConfigFileError, loadConfig } from "./src/config/config_file.ts";
import { quoteConfigWord, splitConfigWords } from "./src/config/config_lexer.ts";
import { clientsWithin, openFilesLimit } from "./src/net/open_files.ts";
import { Server } from "./src/server/server.ts";

/** A directive's value as redis.conf has it; true and false are yes and no; a list: many lines. */
export type DirectiveValue = string | number | boolean | readonly string[];

export interface StartServerOptions {
  /** TCP port; 0, the default, is one that is free. */
  readonly port?: number;
  /** Where data files are read and written; if not given, a temporary one that goes at the end. */
  readonly directory?: string;
  /**
   * Directives of redis.conf by name: `{ appendonly: true, maxmemory: "64mb" }`. What Redis has
   * otherwise, but for two: there are no save points, and `bind` is 127.0.0.1.
   */
  readonly config?: Readonly<Record<string, DirectiveValue>>;
  /** Hears the log, line by line, without line feed; if not given, nobody does. */
  readonly log?: (line: string) => void;
}

/** A server that runs until it is closed, or until a client sends SHUTDOWN. */
export interface RunningServer extends AsyncDisposable {
  readonly port: number;
  /** As clients take it: "redis://127.0.0.1:49152". Without a password. */
  readonly url: string;
  readonly directory: string;
  /** Resolves when the server has been closed, by whomever. */
  readonly closed: Promise<void>;
  /**
   * Ends the server as SHUTDOWN does: what is to be saved is saved, all connections end, a
   * temporary directory is removed. Further calls wait for the first.
   */
  close(): Promise<void>;
}

/** Those of servers that have not been closed. */
const temporaryDirectories = new Set<string>();

// Deno.exit and the end of a test run come here, signals do not.
globalThis.addEventListener("unload", () => {
  for (const directory of temporaryDirectories) Deno.removeSync(directory, { recursive: true });
});

/**
 * Starts a server in this process and resolves when it serves. What the directory holds is loaded.
 * Rejects with an Error that names the directive, port or file that stands in the way.
 */
export async function startServer(options: StartServerOptions = {}): Promise<RunningServer> {
  const isTemporary = options.directory === undefined;
  const directory = options.directory ?? await Deno.makeTempDir({ prefix: "redeno_" });
  if (isTemporary) temporaryDirectories.add(directory);
  const removeDirectory = async () => {
    if (!isTemporary) return;
    await Deno.remove(directory, { recursive: true });
    temporaryDirectories.delete(directory);
  };
  try {
    const server = new EmbeddedServer(options, directory, removeDirectory);
    await server.start(options.port ?? 0);
    return server;
  } catch (error) {
    await removeDirectory();
    throw error;
  }
}

/** An address that means all of them, which nobody can connect to everywhere. */
const ANY_ADDRESS = /^(?:\*|::\*|::|0\.0\.0\.0)$/;

class EmbeddedServer implements RunningServer {
  readonly directory: string;
  readonly closed: Promise<void>;
  readonly #server: Server;
  readonly #removeDirectory: () => Promise<void>;
  readonly #closed = Promise.withResolvers<void>();
  #isClosing = false;

  constructor(
    options: StartServerOptions,
    directory: string,
    removeDirectory: () => Promise<void>,
  ) {
    this.directory = directory;
    this.closed = this.#closed.promise;
    // Whoever does not ask for `closed` must not hear of its failure as unhandled.
    this.closed.catch(() => {});
    this.#removeDirectory = removeDirectory;
    const { log: hear } = options;
    const log = new Log((text) => hear?.(text.replace(/\n$/, "")));
    const config = readDirectives(options, directory);
    if (config.transport === "epoll") {
      throw new Error(
        "Cannot use epoll in a process that does other things: transport must be auto",
      );
    }
    config.maxclients = clientsWithin(openFilesLimit(config.maxclients), config.maxclients, log);
    const exit = () => this.#leave() as never;
    this.#server = new Server({ config, rows: commandRows, log, exit });
    // The heap is another's, and how long its collection takes as well.
    this.#server.memoryReturn.collectsByItself = false;
    withReason(() => renameCommands(this.#server));
  }

  get port(): number {
    return this.#server.listeners.port;
  }

  get url(): string {
    const address = this.#server.config.bind[0].replace(/^-/, "");
    const host = ANY_ADDRESS.test(address) ? "127.0.0.1" : address;
    return `redis://${host.includes(":") ? `[${host}]` : host}:${this.port}`;
  }

  async start(port: number): Promise<void> {
    try {
      const { listeners, config } = this.#server;
      if (port === 0) listeners.openAnyPort();
      const chosenPort = port === 0 ? listeners.port : port;
      // The configuration says 0, so this opens no second socket; then it says the port in use.
      await this.#server.start();
      config.port = chosenPort;
      listeners.port = chosenPort;
    } catch (error) {
      await this.#server.close();
      throw error;
    }
  }

  close(): Promise<void> {
    if (!this.#isClosing) {
      this.#server.process.prepareForShutdown({ save: "default", isForced: true, isNow: true });
      this.#end();
    }
    return this.closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * What stands here for the end of the process: SHUTDOWN has saved everything, or the disk has
   * failed. A command is running, so the server ends behind it; no reply leaves any more.
   */
  #leave(): void {
    for (const client of this.#server.clients.values()) client.flags |= REDIS_CLOSE_NOW;
    queueMicrotask(() => this.#end());
  }

  #end(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#server.close().then(this.#removeDirectory)
      .then(this.#closed.resolve, this.#closed.reject);
  }
}

const DIRECTIVE_NAME = /^[\w.-]+$/;

function readDirectives(options: StartServerOptions, directory: string): Config {
  const { port = 0, config = {} } = options;
  const names = Object.keys(config).map((name) => name.toLowerCase());
  for (const name of ["port", "dir"]) {
    if (!names.includes(name)) continue;
    const option = name === "port" ? "port" : "directory";
    throw new TypeError(`Cannot take "${name}" from config: use the option "${option}"`);
  }
  if (port === 0 && names.includes("bind")) {
    throw new TypeError(`Cannot find a free port of other addresses: "bind" needs a port`);
  }
  const directives = [
    'save ""',
    "bind 127.0.0.1",
    `dir ${quoteConfigWord(utf8AsLatin1(directory))}`,
  ];
  directives.push(`port ${port}`);
  for (const [name, value] of Object.entries(config)) {
    if (!DIRECTIVE_NAME.test(name)) throw new TypeError(`Cannot read directive name "${name}"`);
    const lines = typeof value === "object" ? value : [value];
    for (const line of lines) directives.push(formatDirective(name, line));
  }
  return withReason(() => loadConfig({ file: null, standardInput: null, directives }));
}

function formatDirective(name: string, value: string | number | boolean): string {
  const text = typeof value === "boolean" ? (value ? "yes" : "no") : utf8AsLatin1(String(value));
  const isOneWord = findParameter(name)?.kind.takesManyWords === false || text === "";
  const words = isOneWord ? [text] : splitConfigWords(text);
  return [name, ...words.map(quoteConfigWord)].join(" ");
}

/** Does what reads directives; its error says which one is wrong, as a message of one line. */
function withReason<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ConfigFileError)) throw error;
    const place = error.source === null ? "" : ` with '${readableText(error.source.line)}'`;
    throw new Error(`Cannot start${place}: ${error.message}`, { cause: error });
  }
}
