/**
 * Command table: rows -> look-up by name, flags as bits, statistics per command.
 *
 * The look-up takes the name as it stands in the query buffer, letters of either case, and makes no
 * string of it. COMMAND's output is made elsewhere, from the same rows.
 */
import { equalsIgnoreCase } from "../base/bytes.ts";
import type { Argv } from "../protocol/argv.ts";
import { type CompiledCommand, flagBits, type RedisCommand } from "./command.ts";

const SLOTS = 1024;
const NAME_BYTES_MAX = 32;

export class CommandTable {
  /** All commands without subcommands, by name. */
  readonly byName = new Map<string, CompiledCommand>();
  /** All commands and subcommands, by id. */
  readonly all: CompiledCommand[] = [];
  readonly #slots: (CompiledCommand | null)[] = new Array(SLOTS).fill(null);

  constructor(rows: readonly RedisCommand[]) {
    for (const row of rows) {
      const command = this.#compile(row);
      this.byName.set(row.name, command);
      let slot = slotOf(row.name);
      while (this.#slots[slot] !== null) slot = (slot + 1) & (SLOTS - 1);
      this.#slots[slot] = command;
    }
  }

  /** The command that an argument names, or null. */
  find(argv: Argv, index: number): CompiledCommand | null {
    const start = argv.starts[index];
    const length = argv.lengths[index];
    if (length > NAME_BYTES_MAX) return null;
    const { bytes } = argv;
    let hash = length;
    for (let at = start; at < start + length; at++) {
      hash = (Math.imul(hash, 31) + (bytes[at] | 32)) | 0;
    }
    let slot = (hash ^ (hash >>> 15)) & (SLOTS - 1);
    for (;;) {
      const command = this.#slots[slot];
      if (command === null) return null;
      if (equalsIgnoreCase(bytes, start, length, command.name)) return command;
      slot = (slot + 1) & (SLOTS - 1);
    }
  }

  /** Renames a command (`rename-command`); an empty name removes it. False if there is none. */
  rename(name: string, newName: string): boolean {
    const command = this.byName.get(name);
    if (command === undefined) return false;
    this.byName.delete(name);
    if (newName !== "") {
      // The look-up compares with names in lower case.
      command.name = newName.toLowerCase();
      this.byName.set(command.name, command);
    }
    this.#slots.fill(null);
    for (const [shownName, row] of this.byName) {
      let slot = slotOf(shownName);
      while (this.#slots[slot] !== null) slot = (slot + 1) & (SLOTS - 1);
      this.#slots[slot] = row;
    }
    return true;
  }

  /** Sets all statistics to zero (CONFIG RESETSTAT). */
  resetStatistics(): void {
    for (const command of this.all) {
      command.calls = 0;
      command.microseconds = 0;
      command.rejectedCalls = 0;
      command.failedCalls = 0;
    }
  }

  #compile(row: RedisCommand): CompiledCommand {
    const command: CompiledCommand = {
      ...row,
      bits: flagBits(row),
      subcommandTable: null,
      id: this.all.length,
      calls: 0,
      microseconds: 0,
      rejectedCalls: 0,
      failedCalls: 0,
    };
    this.all.push(command);
    if (row.subcommands !== undefined) {
      command.subcommandTable = new Map();
      for (const subcommand of row.subcommands) {
        const ownName = subcommand.name.slice(subcommand.name.indexOf("|") + 1);
        command.subcommandTable.set(ownName, this.#compile(subcommand));
      }
    }
    return command;
  }
}

function slotOf(name: string): number {
  let hash = name.length;
  for (let index = 0; index < name.length; index++) {
    hash = (Math.imul(hash, 31) + (name.charCodeAt(index) | 32)) | 0;
  }
  return (hash ^ (hash >>> 15)) & (SLOTS - 1);
}
