/**
 * Command table: rows -> look-up by name, flags as bits, statistics per command.
 *
 * `rename-command` changes the name under which a command is called, and nothing else: its `name`,
 * by which ACL rules, statistics and errors know it, stays.
 *
 * The look-up takes the name as it stands in the query buffer, letters of either case, and makes no
 * string of it. COMMAND's output is made elsewhere, from the same rows.
 */
import type { ConfigValues } from "../config/config_values.ts";
import type { RedisRelease } from "../config/version.ts";
import { asciiLower } from "../base/ascii.ts";
import { equalsIgnoreCase } from "../base/bytes.ts";
import type { Argv } from "../protocol/argv.ts";
import {
  commandBits,
  type CommandTrait,
  type CompiledCommand,
  type NamedCommands,
  type RedisCommand,
} from "./command.ts";

declare module "./host.ts" {
  interface Host {
    readonly commands: CommandTable;
  }
}

/** A row as it is in a release. */
function atRelease(row: RedisCommand, release: RedisRelease): RedisCommand {
  const { changedIn } = row;
  return changedIn === undefined || release < changedIn[0] ? row : { ...row, ...changedIn[1] };
}

/** The directives of `enabledBy`. */
type EnablingDirectives = Pick<ConfigValues, NonNullable<RedisCommand["enabledBy"]>>;

/** Commands by the names they are called by, in lower case. */
class CommandNames extends Map<string, CompiledCommand> implements NamedCommands {
  /** Both of the same length, a power of two; a name stands at its hash or soon behind it. */
  #names: string[] = [""];
  #commands: (CompiledCommand | null)[] = [null];
  #nameBytesMax = 0;

  /** Makes `find` know all names; to be called after every change. */
  index(): void {
    const slotCount = 2 ** Math.ceil(Math.log2(4 * this.size + 1));
    this.#names = new Array(slotCount).fill("");
    this.#commands = new Array(slotCount).fill(null);
    this.#nameBytesMax = 0;
    for (const [name, command] of this) {
      let slot = slotOf(name) & (slotCount - 1);
      while (this.#commands[slot] !== null) slot = (slot + 1) & (slotCount - 1);
      this.#names[slot] = name;
      this.#commands[slot] = command;
      this.#nameBytesMax = Math.max(this.#nameBytesMax, name.length);
    }
  }

  /** The command that an argument names, letters of either case; or null. */
  find(argv: Argv, index: number): CompiledCommand | null {
    const start = argv.starts[index];
    const length = argv.lengths[index];
    if (length > this.#nameBytesMax) return null;
    const { bytes } = argv;
    let hash = length;
    for (let at = start; at < start + length; at++) {
      hash = (Math.imul(hash, 31) + (bytes[at] | 32)) | 0;
    }
    const mask = this.#commands.length - 1;
    let slot = (hash ^ (hash >>> 15)) & mask;
    for (;;) {
      const command = this.#commands[slot];
      if (command === null) return null;
      if (equalsIgnoreCase(bytes, start, length, this.#names[slot])) return command;
      slot = (slot + 1) & mask;
    }
  }
}

export class CommandTable {
  /** Commands without their subcommands. */
  readonly byName = new CommandNames();
  /** All commands and subcommands, by id; also those that cannot be called any more. */
  readonly all: CompiledCommand[] = [];
  /** All of them by their own full name, "config|get". */
  readonly #byOwnName = new Map<string, CompiledCommand>();
  readonly #enabled: Partial<EnablingDirectives>;

  readonly #release: RedisRelease;

  /**
   * `release` decides on what later ones have changed in a row; `enabled`: the directives on which
   * commands depend.
   */
  constructor(
    rows: readonly RedisCommand[],
    release: RedisRelease = "7.0",
    enabled: Partial<EnablingDirectives> = {},
  ) {
    this.#release = release;
    this.#enabled = enabled;
    for (const row of rows) this.byName.set(row.name, this.#compile(row, []));
    this.byName.index();
  }

  /** The command that an argument names, or null. */
  find(argv: Argv, index: number): CompiledCommand | null {
    return this.byName.find(argv, index);
  }

  /**
   * The command that arguments name: of a container its subcommand, or itself if it stands alone.
   * Null if there is none.
   */
  resolve(argv: Argv): CompiledCommand | null {
    const command = this.find(argv, 0);
    if (command === null || command.subcommandTable === null || argv.count < 2) return command;
    return command.subcommandTable.find(argv, 1);
  }

  /** The command that "get" or "config|get" calls, letters of either case; or null. */
  findByText(text: string): CompiledCommand | null {
    const [called, subcommand, ...rest] = asciiLower(text).split("|");
    const command = this.byName.get(called) ?? null;
    if (subcommand === undefined || command === null) return command;
    return rest.length > 0 ? null : command.subcommandTable?.get(subcommand) ?? null;
  }

  /** The command whose own name is "get" or "config|get", whatever it is called now; or null. */
  findByOwnName(name: string): CompiledCommand | null {
    return this.#byOwnName.get(asciiLower(name)) ?? null;
  }

  /**
   * Gives a command another name to be called by (`rename-command`); with an empty one it cannot be
   * called at all. False if no command is called `called`.
   */
  rename(called: string, newName: string): boolean {
    const command = this.byName.get(asciiLower(called));
    if (command === undefined) return false;
    this.byName.delete(asciiLower(called));
    // The look-up compares with names in lower case.
    if (newName !== "") this.byName.set(asciiLower(newName), command);
    this.byName.index();
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

  #compile(written: RedisCommand, inherited: readonly CommandTrait[]): CompiledCommand {
    const row = atRelease(written, this.#release);
    const traits = [...inherited, ...row.traits ?? []];
    const command = compiledRow(row, commandBits(row, traits), this.all.length);
    this.all.push(command);
    this.#byOwnName.set(row.name, command);
    if (row.subcommands !== undefined) {
      const subcommands = new CommandNames();
      command.subcommands = row.subcommands.filter(({ enabledBy }) =>
        enabledBy === undefined || this.#enabled[enabledBy] === true
      );
      for (const subcommand of command.subcommands) {
        const ownName = subcommand.name.slice(subcommand.name.indexOf("|") + 1);
        subcommands.set(ownName, this.#compile(subcommand, traits));
      }
      subcommands.index();
      command.subcommandTable = subcommands;
    }
    return command;
  }
}

/**
 * A row with what dispatch keeps of it. All have all fields, in one order: to V8 they are objects
 * of one kind then, whose fields it finds without a look at which command it is.
 */
function compiledRow(row: RedisCommand, bits: number, id: number): CompiledCommand {
  const command: Record<keyof CompiledCommand, unknown> = {
    name: row.name,
    proc: row.proc,
    arity: row.arity,
    bits,
    subcommandTable: null,
    id,
    calls: 0,
    microseconds: 0,
    rejectedCalls: 0,
    failedCalls: 0,
    isSecret: row.isSecret,
    findBits: row.findBits,
    findKeys: row.findKeys,
    findAccess: row.findAccess,
    keys: row.keys,
    access: row.access,
    keySpecs: row.keySpecs,
    flags: row.flags,
    traits: row.traits,
    protectedBy: row.protectedBy,
    channels: row.channels,
    categories: row.categories,
    changedIn: row.changedIn,
    since: row.since,
    group: row.group,
    complexity: row.complexity,
    summary: row.summary,
    tips: row.tips,
    enabledBy: row.enabledBy,
    subcommands: row.subcommands,
  };
  return command as unknown as CompiledCommand;
}

/** Where `CommandNames.find` begins to look for a name, but for the size of its table. */
function slotOf(name: string): number {
  let hash = name.length;
  for (let index = 0; index < name.length; index++) {
    hash = (Math.imul(hash, 31) + (name.charCodeAt(index) | 32)) | 0;
  }
  return hash ^ (hash >>> 15);
}
