/**
 * Logs of commands that stood out: those that took longer than `slowlog-log-slower-than` (the slow
 * log), and, of Valkey 8.1, those with a large request or a large reply. Each has the last ones,
 * with their arguments, shortened where they are many or long, and who sent them.
 */
import { latin1Text } from "../base/bytes.ts";
import * as clock from "../base/clock.ts";
import type { Argv } from "../protocol/argv.ts";

const SHOWN_ARGUMENTS_MAX = 32;
const SHOWN_BYTES_MAX = 128;

/** A command in a log. */
export interface CommandLogEntry {
  id: number;
  /** Unix time in seconds. */
  timeSeconds: number;
  /** What made it stand out: µs in the slow log, bytes in the others. */
  amount: number;
  /** The arguments as Latin-1 text, shortened. */
  shownArguments: string[];
  address: string;
  clientName: string;
}

/** A command that stood out. */
export interface LoggedCall {
  argv: Argv;
  /** µs or bytes; see CommandLogEntry. */
  amount: number;
  /** Address and name of the client. */
  address: string;
  clientName: string;
  /** Whether an argument is a password or the like. */
  isSecret(index: number): boolean;
}

/** The directives that they follow; read anew every time. */
interface LogsConfig {
  readonly slowlogMaxLen: number;
  readonly commandlogLargeRequestMaxLen: number;
  readonly commandlogLargeReplyMaxLen: number;
}

/** The three logs. */
export class CommandLogs {
  readonly slow: CommandLog;
  readonly largeRequest: CommandLog;
  readonly largeReply: CommandLog;

  constructor(config: LogsConfig) {
    this.slow = new CommandLog(() => config.slowlogMaxLen);
    this.largeRequest = new CommandLog(() => config.commandlogLargeRequestMaxLen);
    this.largeReply = new CommandLog(() => config.commandlogLargeReplyMaxLen);
  }
}

/** The last commands that stood out in one way. */
export class CommandLog {
  /** How many entries are kept. */
  readonly #maxLength: () => number;
  /** The newest entry is the last one. */
  readonly #entries: CommandLogEntry[] = [];
  #nextId = 0;

  constructor(maxLength: () => number) {
    this.#maxLength = maxLength;
  }

  get length(): number {
    return this.#entries.length;
  }

  /** Notes a command that has just run. */
  add(call: LoggedCall): void {
    const maxLength = this.#maxLength();
    if (maxLength === 0) return;
    this.#entries.push({
      id: this.#nextId++,
      timeSeconds: Math.floor(clock.nowMs() / 1000),
      amount: Math.floor(call.amount),
      shownArguments: shownArguments(call),
      address: call.address,
      clientName: call.clientName,
    });
    while (this.#entries.length > maxLength) this.#entries.shift();
  }

  /** The newest `count` entries, the newest first. */
  newest(count: number): CommandLogEntry[] {
    return this.#entries.slice(Math.max(0, this.#entries.length - count)).reverse();
  }

  reset(): void {
    this.#entries.length = 0;
  }
}

function shownArguments({ argv, isSecret }: LoggedCall): string[] {
  const { count } = argv;
  const shownCount = Math.min(count, SHOWN_ARGUMENTS_MAX);
  const shown: string[] = [];
  for (let index = 0; index < shownCount; index++) {
    if (count > SHOWN_ARGUMENTS_MAX && index === SHOWN_ARGUMENTS_MAX - 1) {
      shown.push(`... (${count - SHOWN_ARGUMENTS_MAX + 1} more arguments)`);
    } else if (isSecret(index)) {
      shown.push("(redacted)");
    } else {
      shown.push(shownArgument(argv, index));
    }
  }
  return shown;
}

function shownArgument(argv: Argv, index: number): string {
  const length = argv.lengths[index];
  if (length <= SHOWN_BYTES_MAX) return argv.text(index);
  const start = latin1Text(argv.bytes, argv.starts[index], SHOWN_BYTES_MAX);
  return `${start}... (${length - SHOWN_BYTES_MAX} more bytes)`;
}

const CRLF_BYTES = 2;

/** Bytes of a request with these arguments. */
export function requestBytes({ count, lengths }: Argv): number {
  let bytes = headBytes(count);
  for (let index = 0; index < count; index++) {
    bytes += headBytes(lengths[index]) + lengths[index] + CRLF_BYTES;
  }
  return bytes;
}

/** Bytes of a line that has a mark and a number. */
function headBytes(value: number): number {
  return 1 + String(value).length + CRLF_BYTES;
}
