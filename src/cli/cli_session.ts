/**
 * A conversation with a server: sends commands, prints their replies, and keeps in mind what they
 * change about the connection (database, transaction, protocol), so that the prompt tells the
 * truth and a new connection is set up as the old one was. Behaves as redis-cli 7.0.15 does.
 *
 * MONITOR and SUBSCRIBE turn it into a listener until the connection ends or `abortListening`.
 */
import { latin1Text } from "../base/bytes.ts";
import type { Reply } from "../protocol/reply_reader.ts";
import { ReplyFormatError } from "../protocol/reply_reader.ts";
import { CliConnection, ConnectionError } from "./cli_connection.ts";
import { binaryOf, type CliOptions, leadingInteger } from "./cli_options.ts";
import { CliExit, type CliOutput } from "./cli_output.ts";
import { formatInvalidation, formatRaw, formatReply, type OutputMode } from "./reply_format.ts";

export type Words = readonly Uint8Array[];

/** Commands whose reply is a text for people: printed bare in every mode, if so many words. */
const PLAIN_TEXT: readonly { words: readonly string[]; isExact: boolean; extra?: number }[] = [
  { words: ["info"], isExact: false },
  { words: ["lolwut"], isExact: false },
  { words: ["debug", "htstats"], isExact: false },
  { words: ["debug", "htstats-key"], isExact: false },
  { words: ["debug", "client-eviction"], isExact: false },
  { words: ["memory", "malloc-stats"], isExact: false },
  { words: ["memory", "doctor"], isExact: false },
  { words: ["cluster", "nodes"], isExact: true },
  { words: ["cluster", "info"], isExact: true },
  { words: ["client", "list"], isExact: false },
  { words: ["client", "info"], isExact: false },
  { words: ["latency", "graph"], isExact: true, extra: 1 },
  { words: ["latency", "doctor"], isExact: true },
  { words: ["proxy", "info"], isExact: false },
];

const LISTENING = ["subscribe", "psubscribe", "ssubscribe"];
const UNSUBSCRIBING = ["unsubscribe", "punsubscribe", "sunsubscribe"];

function lower(word: Uint8Array | undefined): string {
  return word === undefined ? "" : latin1Text(word, 0, word.length).toLowerCase();
}

function hasPlainTextReply(names: readonly string[]): boolean {
  return PLAIN_TEXT.some(({ words, isExact, extra }) =>
    words.every((word, i) => names[i] === word) &&
    (!isExact || names.length === words.length + (extra ?? 0))
  );
}

/** The first element of a push message or array, as text. */
function firstText(reply: Reply): string {
  const first = "items" in reply ? reply.items[0] : undefined;
  return first !== undefined && "bytes" in first ? lower(first.bytes) : "";
}

export class CliSession {
  /** Null while not connected. */
  connection: CliConnection | null = null;
  readonly options: CliOptions;
  readonly output: CliOutput;
  readonly mode: OutputMode;
  /** In an interactive session an error is no reason to end. */
  isInteractive = false;
  #database = 0;
  #wantedDatabase: number;
  #databaseBeforeMulti = 0;
  #isInTransaction = false;
  #isListening = false;
  #wasAborted = false;

  constructor(options: CliOptions, output: CliOutput) {
    this.options = options;
    this.output = output;
    this.mode = options.output ?? (output.isTerminal ? "standard" : "raw");
    this.#wantedDatabase = options.database;
  }

  /** As `127.0.0.1:6379[2](TX)> `. */
  get prompt(): string {
    if (this.connection === null) return "not connected> ";
    const { socket, host, port } = this.options;
    const address = socket !== null
      ? `redis ${socket}`
      : `${host.includes(":") ? `[${host}]` : host}:${port}`;
    const database = this.#database === 0 ? "" : `[${this.#database}]`;
    return `${address}${database}${this.#isInTransaction ? "(TX)" : ""}> `;
  }

  /**
   * Connects anew: password, database and protocol as they were asked for. Prints what goes wrong
   * and returns false; the connection may stand nevertheless (wrong password). If `isQuiet`, a
   * server that is not there is not worth a word.
   */
  async connect(isQuiet = false): Promise<boolean> {
    this.connection?.close();
    this.connection = null;
    this.#database = 0;
    this.#isInTransaction = false;
    const { socket, host, port } = this.options;
    try {
      this.connection = await CliConnection.open(this.options);
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      const address = socket ?? `${host}:${port}`;
      const reason = `Could not connect to Redis at ${address}: ${error.message}\n`;
      if (!isQuiet) this.output.printError(reason);
      return false;
    }
    this.connection.onPush = this.#pushPrinter();
    try {
      return await this.#authenticate() && await this.#select() && await this.#greet();
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      this.output.printError("\nI/O error\n");
      this.connection.close();
      this.connection = null;
      return false;
    }
  }

  async #setUp(what: string, ...words: string[]): Promise<boolean> {
    const reply = await this.connection!.call(...words);
    if (reply.kind !== "error") return true;
    const message = latin1Text(reply.bytes, 0, reply.bytes.length);
    this.output.printError(`${what} failed: ${message}\n`);
    return false;
  }

  async #authenticate(): Promise<boolean> {
    const { user, password } = this.options;
    if (password === null) return true;
    return await this.#setUp("AUTH", "AUTH", ...(user === null ? [] : [user]), password);
  }

  async #select(): Promise<boolean> {
    if (this.#wantedDatabase === this.#database) return true;
    const number = String(this.#wantedDatabase);
    if (!await this.#setUp(`SELECT ${number}`, "SELECT", number)) return false;
    this.#database = this.#wantedDatabase;
    return true;
  }

  async #greet(): Promise<boolean> {
    const { protocol } = this.options;
    if (protocol === 2) return true;
    const isThere = await this.#setUp("HELLO 3", "HELLO", "3");
    return isThere || protocol === "try3";
  }

  #pushPrinter(): ((push: Reply) => void) | null {
    if (!(this.options.showsPushes ?? this.output.isTerminal)) return null;
    return (push) => {
      const note = this.mode === "standard" ? formatInvalidation(push) : null;
      this.output.print(note ?? this.#format(push));
    };
  }

  #format(reply: Reply): string {
    const { elementDelimiter: element, replyDelimiter } = this.options;
    return formatReply(reply, this.mode, { element, reply: replyDelimiter });
  }

  /**
   * Sends a command `repeat` times (for ever if negative), connecting first if need be, and prints
   * the replies. Returns false if the server could not be reached or was lost. Throws CliExit.
   */
  async issue(words: Words, repeat: number): Promise<boolean> {
    if (this.connection === null && !await this.connect() && this.connection === null) return false;
    try {
      for (let left = repeat; left !== 0; left--) {
        await this.connection!.send([words]);
        if (!await this.#handleReply(words)) break;
        const { intervalMs } = this.options;
        if (intervalMs > 0) await new Promise((resolve) => setTimeout(resolve, intervalMs));
      }
      return true;
    } catch (error) {
      if (!(error instanceof ConnectionError || error instanceof ReplyFormatError)) throw error;
      return await this.#afterLoss(error, lower(words[0]));
    }
  }

  async #afterLoss(error: Error, command: string): Promise<boolean> {
    this.connection?.close();
    this.connection = null;
    if (this.#wasAborted) {
      this.#wasAborted = false;
      return await this.connect();
    }
    // The connection's end is what was asked for.
    if (command === "shutdown" && error instanceof ConnectionError) return true;
    this.output.printError(`Error: ${error.message}\n`);
    if (!this.isInteractive || this.#isListening) throw new CliExit(1);
    return false;
  }

  /** Reads and prints what follows a command. Returns false if it is not to be repeated. */
  async #handleReply(words: Words): Promise<boolean> {
    const names = words.map(lower);
    if (names[0] === "monitor") {
      await this.#listen(false);
      return false;
    }
    if (LISTENING.includes(names[0]!)) {
      if (this.mode !== "raw") this.output.print("Reading messages... (press Ctrl-C to quit)\n");
      await this.#listen(true);
      return true;
    }
    const reply = await this.#receive(names[0]!);
    this.#show(reply, hasPlainTextReply(names));
    this.#remember(names, reply);
    if (names[0] === "auth" && names.length <= 3) await this.#select();
    return true;
  }

  /** The reply to a command. With RESP3 the reply to an UNSUBSCRIBE is a push. */
  async #receive(command: string): Promise<Reply> {
    const connection = this.connection!;
    if (!UNSUBSCRIBING.includes(command)) return await connection.receive();
    for (;;) {
      const message = await connection.receiveAny();
      if (message.kind !== "push" || firstText(message) === command) return message;
      connection.onPush?.(message);
    }
  }

  /** Prints all that arrives, until an error or until the connection ends (ConnectionError). */
  async #listen(takesPushes: boolean): Promise<void> {
    const connection = this.connection!;
    this.#isListening = true;
    for (;;) {
      const message = takesPushes ? await connection.receiveAny() : await connection.receive();
      this.#show(message, false);
      if (message.kind === "error") break;
    }
    this.#isListening = false;
  }

  /** Ends MONITOR or SUBSCRIBE, and with it the connection; false if neither is under way. */
  abortListening(): boolean {
    if (!this.#isListening || !this.isInteractive) return false;
    this.#isListening = false;
    this.#wasAborted = true;
    this.connection?.close();
    return true;
  }

  #show(reply: Reply, isPlainText: boolean): void {
    if (reply.kind === "error" && this.options.failsOnError && !this.isInteractive) {
      this.output.printError(`${latin1Text(reply.bytes, 0, reply.bytes.length)}\n`);
      throw new CliExit(1);
    }
    const { elementDelimiter } = this.options;
    this.output.print(isPlainText ? formatRaw(reply, elementDelimiter) : this.#format(reply));
  }

  /** Keeps in mind what a command has changed. */
  #remember(names: readonly string[], reply: Reply): void {
    const isError = reply.kind === "error";
    const command = names[0]!;
    if (command === "select" && names.length === 2 && !isError) {
      this.#moveTo(leadingInteger(names[1]!));
    } else if (command === "multi" && names.length === 1 && !isError) {
      this.#isInTransaction = true;
      this.#databaseBeforeMulti = this.#database;
    } else if (command === "exec" && names.length === 1 && this.#isInTransaction) {
      this.#isInTransaction = false;
      const wasDropped = isError || reply.kind === "nullArray" || reply.kind === "null";
      if (wasDropped) this.#moveTo(this.#databaseBeforeMulti);
    } else if (command === "discard" && names.length === 1 && !isError) {
      this.#isInTransaction = false;
      this.#moveTo(this.#databaseBeforeMulti);
    } else if (command === "reset" && names.length === 1 && !isError) {
      this.#isInTransaction = false;
      this.#moveTo(0);
    }
  }

  #moveTo(database: number): void {
    this.#database = database;
    this.#wantedDatabase = database;
  }

  /** Prints text, which may hold any characters. */
  printText(text: string): void {
    this.output.print(binaryOf(text));
  }
}
