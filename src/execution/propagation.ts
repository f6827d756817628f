/**
 * Propagation: brings the effects of commands to all who repeat them later. The AOF is one such
 * sink; each replica is another.
 *
 * Effects come in units: all effects of one outermost call, or one key that vanished by itself. A
 * unit is repeated as a whole or not at all.
 */
import type { CommandLog } from "../persistence/command_log.ts";
import type { Argv } from "../protocol/argv.ts";
import { type Call, COMMAND_MAY_REPLICATE, COMMAND_WRITE } from "../session/command.ts";
import type { Host } from "../session/host.ts";

/** Kinds of sinks, as redis.set_repl names them. */
export const PROPAGATE_AOF = 1 << 0;
export const PROPAGATE_REPL = 1 << 1;
const PROPAGATE_ALL = PROPAGATE_AOF | PROPAGATE_REPL;

declare module "../session/host.ts" {
  interface Host {
    readonly propagation: Propagation;
  }
}

/** What it uses of the host. */
type PropagationHost = Pick<Host, "calls">;

interface Sink {
  readonly log: CommandLog;
  readonly kind: number;
}

export class Propagation {
  readonly #host: PropagationHost;
  #sinks: readonly Sink[] = [];
  /** Whether there is any sink. */
  isWanted = false;
  /** The kinds of sinks (PROPAGATE_…) that hear of what commands change; a script may choose. */
  targets = PROPAGATE_ALL;

  constructor(host: PropagationHost) {
    this.#host = host;
  }

  /** From now on `log` gets all effects; it is of one kind (PROPAGATE_…). */
  attach(log: CommandLog, kind = PROPAGATE_AOF): void {
    if (this.#sinks.some((sink) => sink.log === log)) return;
    this.#setSinks([...this.#sinks, { log, kind }]);
  }

  /** From now on `log` gets no more. */
  detach(log: CommandLog): void {
    this.#setSinks(this.#sinks.filter((sink) => sink.log !== log));
  }

  /** All kinds of sinks hear of what commands change. */
  resetTargets(): void {
    this.targets = PROPAGATE_ALL;
  }

  #setSinks(sinks: readonly Sink[]): void {
    this.#sinks = sinks;
    this.isWanted = sinks.length > 0;
    this.#host.calls.wantsEffects = this.isWanted;
  }

  /** Records what the innermost call, which has just run, has changed. */
  record({ client, command, argv, effects }: Call): void {
    const dbIndex = client.db.index;
    if (effects !== null) {
      for (const effect of effects) this.#appendTo(this.targets, dbIndex, effect);
    } else if ((command.bits & (COMMAND_WRITE | COMMAND_MAY_REPLICATE)) !== 0) {
      this.#appendTo(this.targets, dbIndex, argv);
    }
  }

  /** Adds an effect to the unit; `argv` is copied. */
  append(dbIndex: number, argv: Argv): void {
    this.#appendTo(PROPAGATE_ALL, dbIndex, argv);
  }

  #appendTo(targets: number, dbIndex: number, argv: Argv): void {
    for (const { log, kind } of this.#sinks) {
      if ((targets & kind) !== 0) log.append(dbIndex, argv);
    }
  }

  /** Ends the unit; without effects it is none. */
  endUnit(): void {
    for (const { log } of this.#sinks) log.endUnit();
  }
}
