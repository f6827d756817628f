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

declare module "../session/host.ts" {
  interface Host {
    readonly propagation: Propagation;
  }
}

/** What it uses of the host. */
type PropagationHost = Pick<Host, "calls">;

export class Propagation {
  readonly #host: PropagationHost;
  #sinks: CommandLog[] = [];
  /** Whether there is any sink. */
  isWanted = false;

  constructor(host: PropagationHost) {
    this.#host = host;
  }

  /** From now on `sink` gets all effects. */
  attach(sink: CommandLog): void {
    if (!this.#sinks.includes(sink)) this.#setSinks([...this.#sinks, sink]);
  }

  /** From now on `sink` gets no more. */
  detach(sink: CommandLog): void {
    this.#setSinks(this.#sinks.filter((each) => each !== sink));
  }

  #setSinks(sinks: CommandLog[]): void {
    this.#sinks = sinks;
    this.isWanted = sinks.length > 0;
    this.#host.calls.wantsEffects = this.isWanted;
  }

  /** Records what the innermost call, which has just run, has changed. */
  record({ client, command, argv, effects }: Call): void {
    const dbIndex = client.db.index;
    if (effects !== null) {
      for (const effect of effects) this.append(dbIndex, effect);
    } else if ((command.bits & (COMMAND_WRITE | COMMAND_MAY_REPLICATE)) !== 0) {
      this.append(dbIndex, argv);
    }
  }

  /** Adds an effect to the unit; `argv` is copied. */
  append(dbIndex: number, argv: Argv): void {
    for (const sink of this.#sinks) sink.append(dbIndex, argv);
  }

  /** Ends the unit; without effects it is none. */
  endUnit(): void {
    for (const sink of this.#sinks) sink.endUnit();
  }
}
