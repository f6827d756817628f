/**
 * Propagation: brings the effects of commands to all who repeat them later. The AOF is one such
 * sink; each replica is another. A unit, which is repeated as a whole or not at all, holds all
 * effects of one outermost call, or a key that vanished by itself.
 */
import { EffectEncoder, type EffectSink } from "../persistence/effect_encoder.ts";
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

export class Propagation {
  readonly #host: PropagationHost;
  readonly #encoder = new EffectEncoder();
  #sinks: readonly EffectSink[] = [];
  /** Whether there is any sink. */
  isWanted = false;
  /** The kinds of sinks (PROPAGATE_…) that hear of what commands change; a script may choose. */
  targets = PROPAGATE_ALL;

  constructor(host: PropagationHost) {
    this.#host = host;
  }

  /** Whether there are effects of a unit that has not ended: the set of sinks must not change. */
  get isUnitOpen(): boolean {
    return this.#encoder.isOpen;
  }

  /** All kinds of sinks hear of what commands change. */
  resetTargets(): void {
    this.targets = PROPAGATE_ALL;
  }

  /** From now on `sink` gets all units. */
  attach(sink: EffectSink): void {
    if (this.#sinks.includes(sink)) return;
    this.selectAgain();
    this.#setSinks([...this.#sinks, sink]);
  }

  /** From now on `sink` gets no more. */
  detach(sink: EffectSink): void {
    this.#setSinks(this.#sinks.filter((each) => each !== sink));
  }

  #setSinks(sinks: readonly EffectSink[]): void {
    this.#sinks = sinks;
    this.isWanted = sinks.length > 0;
    this.#host.calls.wantsEffects = this.isWanted;
  }

  /** The next effect must name its database: a sink begins anew. */
  selectAgain(): void {
    this.#encoder.selectAgain();
  }

  /** Records what the innermost call, which has just run, has changed. */
  record({ client, command, argv, effects }: Call): void {
    // So far all sinks are of this kind.
    if ((this.targets & PROPAGATE_AOF) === 0) return;
    const dbIndex = client.db.index;
    if (effects !== null) {
      for (const effect of effects) this.append(dbIndex, effect);
    } else if ((command.bits & (COMMAND_WRITE | COMMAND_MAY_REPLICATE)) !== 0) {
      this.append(dbIndex, argv);
    }
  }

  /** Adds an effect to the unit; `argv` is copied. */
  append(dbIndex: number, argv: Argv): void {
    this.#encoder.append(dbIndex, argv);
  }

  /** Ends the unit; without effects it is none. */
  endUnit(): void {
    this.#encoder.endUnit(this.#sinks);
  }
}
