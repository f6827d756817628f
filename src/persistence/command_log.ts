/**
 * Command log: where the effects of commands go to be repeated later. The AOF is one; replication
 * would be another.
 *
 * Effects come in units: all effects of one command, or of one transaction, or one key that
 * vanished by itself. A unit is repeated as a whole or not at all.
 */
import type { Argv } from "../protocol/argv.ts";

export interface CommandLog {
  /** Adds an effect to the current unit; `argv` is copied. */
  append(dbIndex: number, argv: Argv): void;
  /** Ends the unit; without effects it is none. */
  endUnit(): void;
}
