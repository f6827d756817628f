/**
 * MIGRATE: moves keys to another server, several in one go.
 *
 * All keys are sent in one piece as RESTORE, which AUTH and SELECT may go before, and a key is
 * removed here when its own RESTORE was acknowledged. The server waits for that (see
 * replication/migration_sockets.ts), so nothing happens to a key meanwhile. What reaches the AOF is
 * a DEL of the keys that are gone.
 */
import { latin1Bytes } from "../base/bytes.ts";
import * as clock from "../base/clock.ts";
import { EVENT_GENERIC } from "../keyspace/keyspace_listener.ts";
import type { Ref } from "../memory/memory.ts";
import type { Argv } from "../protocol/argv.ts";
import type { Exchange, MigrationSocket } from "../replication/migration_sockets.ts";
import type { Client } from "../session/client.ts";
import { type KeySpec, rangeSpec, type RedisCommand } from "../session/command.ts";
import { type CommandError, commandError, SYNTAX_ERROR } from "../session/errors.ts";
import { INVALID_KEY_ARGUMENTS } from "../session/key_positions.ts";
import * as value from "../values/value.ts";
import { integerArgument } from "./arguments.ts";
import { dumpPayload } from "./dump_commands.ts";

const KEYS_SPEC: KeySpec = {
  flags: ["RW", "access", "delete", "incomplete"],
  begin: { keyword: "KEYS", from: -2 },
  find: { lastKey: -1, step: 1, limit: 0 },
};

// deno-fmt-ignore
export const migrateCommands: readonly RedisCommand[] = [
  { name: "migrate", arity: -6, flags: ["write", "movablekeys"], keys: [3, 3, 1],
    keySpecs: [rangeSpec("RW access delete", 3, 0), KEYS_SPEC], findKeys: findMigrateKeys,
    isSecret: isMigrateSecret, proc: migrateCommand, categories: ["@keyspace", "@dangerous"],
    tips: ["nondeterministic_output"], since: "2.6.0", group: "generic",
    complexity: "That of a DUMP and a DEL here and of a RESTORE there, and O(N) for the bytes sent",
    summary: "Moves keys to another server." },
];

const KEYS_AND_KEY = commandError(
  "ERR When using MIGRATE KEYS option, the key argument must be set to the empty string",
);
const CONNECT_FAILED = commandError("IOERR error or timeout connecting to the client");
const WRITE_FAILED = commandError("IOERR error or timeout writing to target instance");
// Redis: "to", although it reads.
const READ_FAILED = commandError("IOERR error or timeout reading to target instance");

const HOST_INDEX = 1;
const PORT_INDEX = 2;
const KEY_INDEX = 3;
const DATABASE_INDEX = 4;
const TIMEOUT_INDEX = 5;
const FIRST_OPTION = 6;
const DEFAULT_TIMEOUT_MS = 1000;
const CHUNK_BYTES = 64 * 1024;

interface MigrateOptions {
  /** Where the keys begin; all of the rest if they stand behind KEYS. */
  firstKey: number;
  keyCount: number;
  copies: boolean;
  replaces: boolean;
  /** Arguments of the last AUTH or AUTH2: the password, and perhaps a user before it. */
  login: number[];
  /** Arguments that are a user name or a password. */
  secrets: number[];
  /** What is wrong with the options, or "". */
  problem: "" | "syntax" | "two kinds of keys";
}

/** Reads the options up to the first that is wrong. */
function readOptions(argv: Argv): MigrateOptions {
  const options: MigrateOptions = {
    firstKey: KEY_INDEX,
    keyCount: 1,
    copies: false,
    replaces: false,
    login: [],
    secrets: [],
    problem: "",
  };
  for (let index = FIRST_OPTION; index < argv.count; index++) {
    if (argv.is(index, "copy")) {
      options.copies = true;
    } else if (argv.is(index, "replace")) {
      options.replaces = true;
    } else if (argv.is(index, "keys")) {
      if (argv.lengths[KEY_INDEX] > 0) options.problem = "two kinds of keys";
      options.firstKey = index + 1;
      options.keyCount = argv.count - options.firstKey;
      return options;
    } else {
      const secretCount = argv.is(index, "auth") ? 1 : argv.is(index, "auth2") ? 2 : 0;
      if (secretCount === 0 || index + secretCount >= argv.count) {
        options.problem = "syntax";
        return options;
      }
      // Redis: of several, the last password counts, and the last user for whatever password.
      const user = secretCount === 2 ? [++index] : options.login.slice(0, -1);
      options.login = [...user, ++index];
      options.secrets.push(...options.login);
    }
  }
  return options;
}

function isMigrateSecret(argv: Argv, index: number): boolean {
  return index > FIRST_OPTION && readOptions(argv).secrets.includes(index);
}

function findMigrateKeys(argv: Argv): number[] {
  const { firstKey, keyCount, problem } = readOptions(argv);
  if (problem === "two kinds of keys") throw INVALID_KEY_ARGUMENTS;
  // Redis: other mistakes are found by the command itself.
  return Array.from({ length: keyCount }, (_, place) => firstKey + place);
}

function migrateCommand(client: Client): void {
  const { argv, db, reply } = client;
  const options = readOptions(argv);
  const { firstKey, keyCount, problem } = options;
  if (problem === "two kinds of keys") throw KEYS_AND_KEY;
  if (problem === "syntax") throw SYNTAX_ERROR;
  const timeoutMs = integerArgument(argv, TIMEOUT_INDEX);
  const database = integerArgument(argv, DATABASE_INDEX);
  const keys: number[] = [];
  for (let index = firstKey; index < firstKey + keyCount; index++) {
    if (db.lookupForRead(argv, index) !== 0) keys.push(index);
  }
  if (keys.length === 0) return reply.simple("NOKEY");
  const migration = new Migration(client, options, keys, database);
  migration.run(timeoutMs > 0 ? timeoutMs : DEFAULT_TIMEOUT_MS);
}

/** One MIGRATE of keys that are here. */
class Migration {
  readonly #client: Client;
  readonly #options: MigrateOptions;
  /** Arguments that are keys, one perhaps more than once. */
  readonly #keys: readonly number[];
  readonly #database: number;

  constructor(
    client: Client,
    options: MigrateOptions,
    keys: readonly number[],
    database: number,
  ) {
    this.#client = client;
    this.#options = options;
    this.#keys = keys;
    this.#database = database;
  }

  /** Sends the keys, removes those that have arrived, and replies. */
  run(timeoutMs: number): void {
    const { argv, host: { migrationSockets: sockets } } = this.#client;
    const [hostName, port] = [argv.text(HOST_INDEX), portArgument(argv)];
    // A connection that was kept may have been closed by the other side, so it is tried once more.
    for (let mayRetry = true;; mayRetry = false) {
      const socket = sockets.open(hostName, port, timeoutMs, clock.nowMs());
      // Redis does not look whether it is connected before it writes.
      if (socket === "refused") throw WRITE_FAILED;
      if (socket === "failed") throw CONNECT_FAILED;
      const requests = this.#requests(socket);
      const { chunks, count } = requests;
      const exchange = sockets.exchange(socket, chunks, count, timeoutMs);
      const replies = exchange.acknowledged;
      const firstReply = count - this.#keys.length;
      const hasKeyReply = replies.length > firstReply;
      if (exchange.end !== "done" && !hasKeyReply && mayRetry && !exchange.isTimeout) continue;
      const hasLogin = replies.subarray(0, firstReply).every((isOk) => isOk === 1);
      if (hasKeyReply && hasLogin) {
        this.#removeMoved(this.#keys.filter((_, place) => replies[firstReply + place] === 1));
      }
      return this.#answer(socket, exchange, hasKeyReply);
    }
  }

  /** All requests for a server that has selected what `socket` says. */
  #requests({ database }: MigrationSocket): RequestChunks {
    const { argv, db, host } = this.#client;
    const { login, replaces } = this.#options;
    const requests = new RequestChunks();
    if (login.length > 0) {
      requests.begin(login.length + 1, "AUTH");
      for (const index of login) requests.argument(argv, index);
    }
    if (database !== this.#database) {
      requests.begin(2, "SELECT");
      requests.word(String(this.#database));
    }
    for (const index of this.#keys) {
      const entry = db.peek(argv, index);
      requests.begin(replaces ? 5 : 4, "RESTORE");
      requests.argument(argv, index);
      requests.word(String(timeToLiveMs(db.arena, entry)));
      const payload = dumpPayload(host, entry);
      requests.bulk(payload.byteCount, payload.pieces);
      if (replaces) requests.word("REPLACE");
    }
    return requests;
  }

  #removeMoved(keys: readonly number[]): void {
    const client = this.#client;
    if (this.#options.copies || keys.length === 0) return;
    const { argv, db } = client;
    for (const index of keys) {
      if (db.remove(argv, index)) db.changed(argv, index, EVENT_GENERIC, "del");
    }
    client.propagateAs("DEL", ...keys.map((index) => argv.copy(index)));
  }

  #answer(socket: MigrationSocket, exchange: Exchange, hasKeyReply: boolean): void {
    const { end, firstError } = exchange;
    // Redis: a refusal counts only if the target has got as far as the first key.
    if (hasKeyReply && firstError !== "") {
      socket.database = -1;
      this.#fail(commandError(`ERR Target instance replied with error: ${firstError}`));
    } else if (end !== "done") {
      this.#fail(end === "write failed" ? WRITE_FAILED : READ_FAILED);
    } else {
      socket.database = this.#database;
      this.#client.reply.ok();
    }
  }

  /** Replies with an error, which may not be thrown, since some keys may have been moved. */
  #fail(error: CommandError): void {
    const client = this.#client;
    client.host.dispatcher.replyError(client, error);
    client.command!.failedCalls++;
  }
}

/** What is left of the life of a key in ms; 0 if it has no end. */
function timeToLiveMs(arena: Parameters<typeof value.expiryOf>[0], entry: Ref): number {
  const expiryMs = value.expiryOf(arena, entry);
  return expiryMs === value.NO_EXPIRY ? 0 : Math.max(1, expiryMs - clock.nowMs());
}

/** Redis: a port is read as C's atoi does; one that is none cannot be connected to. */
function portArgument(argv: Argv): number {
  const port = Number.parseInt(argv.text(PORT_INDEX), 10);
  return port > 0 && port <= 65535 ? port : 0;
}

/** Requests as bytes, in chunks of 64 KiB. */
class RequestChunks {
  readonly #full: Uint8Array<ArrayBuffer>[] = [];
  #chunk = new Uint8Array(CHUNK_BYTES);
  #used = 0;
  /** Number of requests. */
  count = 0;

  get chunks(): readonly Uint8Array<ArrayBuffer>[] {
    return [...this.#full, this.#chunk.slice(0, this.#used)];
  }

  begin(wordCount: number, name: string): void {
    this.count++;
    this.#text(`*${wordCount}\r\n`);
    this.word(name);
  }

  word(text: string): void {
    this.#text(`$${text.length}\r\n${text}\r\n`);
  }

  argument(argv: Argv, index: number): void {
    const start = argv.starts[index];
    const length = argv.lengths[index];
    this.bulk(length, [argv.bytes.subarray(start, start + length)]);
  }

  bulk(byteCount: number, pieces: readonly Uint8Array[]): void {
    this.#text(`$${byteCount}\r\n`);
    for (const piece of pieces) this.#bytes(piece);
    this.#text("\r\n");
  }

  #text(text: string): void {
    this.#bytes(latin1Bytes(text));
  }

  #bytes(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const part = bytes.subarray(at, at + CHUNK_BYTES - this.#used);
      this.#chunk.set(part, this.#used);
      this.#used += part.length;
      at += part.length;
      if (this.#used < CHUNK_BYTES) continue;
      this.#full.push(this.#chunk);
      this.#chunk = new Uint8Array(CHUNK_BYTES);
      this.#used = 0;
    }
  }
}
