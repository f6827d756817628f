/**
 * Slow log: the last commands that took longer than `slowlog-log-slower-than`, with their
 * arguments, shortened where they are many or long, and who sent them.
 */
import { latin1Text } from "../base/bytes.ts";
import * as clock from "../base/clock.ts";
import type { Argv } from "../protocol/argv.ts";

const SHOWN_ARGUMENTS_MAX = 32;
const SHOWN_BYTES_MAX = 128;

export interface SlowlogEntry {
  id: number;
  /** Unix time in seconds. */
  timeSeconds: number;
  microseconds: number;
  /** The arguments as Latin-1 text, shortened. */
  shownArguments: string[];
  address: string;
  clientName: string;
}

/** A command that was slow. */
export interface SlowCall {
  argv: Argv;
  microseconds: number;
  /** Address and name of the client. */
  address: string;
  clientName: string;
  /** Whether an argument is a password or the like. */
  isSecret(index: number): boolean;
}

/** The directive it follows; read anew every time. */
interface SlowlogConfig {
  readonly slowlogMaxLen: number;
}

export class Slowlog {
  readonly #config: SlowlogConfig;
  /** The newest entry is the last one. */
  readonly #entries: SlowlogEntry[] = [];
  #nextId = 0;

  constructor(config: SlowlogConfig) {
    this.#config = config;
  }

  get length(): number {
    return this.#entries.length;
  }

  /** Notes a command that has just run. */
  add(call: SlowCall): void {
    const { slowlogMaxLen } = this.#config;
    if (slowlogMaxLen === 0) return;
    this.#entries.push({
      id: this.#nextId++,
      timeSeconds: Math.floor(clock.nowMs() / 1000),
      microseconds: Math.floor(call.microseconds),
      shownArguments: shownArguments(call),
      address: call.address,
      clientName: call.clientName,
    });
    while (this.#entries.length > slowlogMaxLen) this.#entries.shift();
  }

  /** The newest `count` entries, the newest first. */
  newest(count: number): SlowlogEntry[] {
    return this.#entries.slice(Math.max(0, this.#entries.length - count)).reverse();
  }

  reset(): void {
    this.#entries.length = 0;
  }
}

function shownArguments({ argv, isSecret }: SlowCall): string[] {
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
