/**
 * Slow log: the last commands that took longer than `slowlog-log-slower-than`, with their
 * arguments, shortened where they are many or long, and who sent them.
 */
import { latin1Text } from "../base/bytes.ts";
import * as clock from "../base/clock.ts";
import type { Argv } from "../protocol/argv.ts";
import type { Client } from "../session/client.ts";
import { COMMAND_SKIP_SLOWLOG, type CompiledCommand } from "../session/command.ts";
import type { ConfigValues } from "../config/config_values.ts";

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

export class Slowlog {
  readonly #config: ConfigValues;
  /** The newest entry is the last one. */
  readonly #entries: SlowlogEntry[] = [];
  #nextId = 0;

  constructor(config: ConfigValues) {
    this.#config = config;
  }

  get length(): number {
    return this.#entries.length;
  }

  /** Notes the command that a client has just run. Some are never noted, as EXEC. */
  add(client: Client, command: CompiledCommand, microseconds: number): void {
    const { slowlogMaxLen } = this.#config;
    if (slowlogMaxLen === 0 || (command.bits & COMMAND_SKIP_SLOWLOG) !== 0) return;
    this.#entries.push({
      id: this.#nextId++,
      timeSeconds: Math.floor(clock.nowMs() / 1000),
      microseconds: Math.floor(microseconds),
      shownArguments: shownArguments(client.argv, command),
      address: client.transport.peerAddress,
      clientName: client.name,
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

function shownArguments(argv: Argv, command: CompiledCommand): string[] {
  const { count } = argv;
  const shownCount = Math.min(count, SHOWN_ARGUMENTS_MAX);
  const shown: string[] = [];
  for (let index = 0; index < shownCount; index++) {
    if (count > SHOWN_ARGUMENTS_MAX && index === SHOWN_ARGUMENTS_MAX - 1) {
      shown.push(`... (${count - SHOWN_ARGUMENTS_MAX + 1} more arguments)`);
    } else if (command.isSecret?.(argv, index)) {
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
