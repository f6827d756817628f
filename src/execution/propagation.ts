/**
 * Propagation: brings the effects of commands to all who repeat them later: the AOF, and the stream
 * that replicas get. A unit, which is repeated as a whole or not at all, holds all effects of one
 * outermost call, or a key that vanished by itself.
 *
 * Each of the two kinds of sinks has an encoder of its own, for a script may choose who hears of
 * what (redis.set_repl), and they select databases at different times. But as long as both have had
 * the same, each unit is encoded once, for all.
 */
import { EffectEncoder, type EffectSink } from "../persistence/effect_encoder.ts";
import type { Argv } from "../protocol/argv.ts";
import {
  type Call,
  COMMAND_MAY_REPLICATE,
  COMMAND_WRITE,
  PROPAGATE_ALL,
  PROPAGATE_AOF,
  PROPAGATE_REPL,
} from "../session/command.ts";
import type { Host } from "../session/host.ts";

declare module "../session/host.ts" {
  interface Host {
    readonly propagation: Propagation;
  }
}

/** What it uses of the host. */
type PropagationHost = Pick<Host, "calls">;

/** All sinks of a kind, and what they get. */
class EffectStream {
  readonly kind: number;
  readonly encoder = new EffectEncoder();
  sinks: readonly EffectSink[] = [];

  constructor(kind: number) {
    this.kind = kind;
  }

  append(dbIndex: number, argv: Argv, targets: number): void {
    if (this.sinks.length === 0) return;
    if ((targets & this.kind) !== 0) this.encoder.append(dbIndex, argv);
    else this.encoder.skip(dbIndex);
  }
}

export class Propagation {
  readonly #host: PropagationHost;
  readonly #aof = new EffectStream(PROPAGATE_AOF);
  readonly #replicas = new EffectStream(PROPAGATE_REPL);
  /** Whether `#common` encodes for both streams, which then have had the same effects. */
  #isCommon = true;
  #common: EffectEncoder = this.#aof.encoder;
  #sinks: readonly EffectSink[] = [];
  #isSilent = false;
  /** The kinds (PROPAGATE_…) that have sinks. */
  #wanted = 0;
  /** Whether there is any sink. */
  isWanted = false;
  /** The kinds of sinks (PROPAGATE_…) that hear of what commands change; a script may choose. */
  targets = PROPAGATE_ALL;
  /** Bytes that replicas have been sent since the beginning of history; for WAIT. */
  streamOffset = 0;
  /** Bytes of all units for the AOF; for WAITAOF. */
  aofBytes = 0;

  constructor(host: PropagationHost) {
    this.#host = host;
  }

  /** Whether there are effects of a unit that has not ended: the set of sinks must not change. */
  get isUnitOpen(): boolean {
    return this.#common.isOpen;
  }

  /** The database that the next effect of a kind need not name; -1 if it must. */
  selectedDb(kind: number): number {
    return this.#stream(kind).encoder.selectedDb;
  }

  /** Between units: nobody hears of what happens, for it has happened before (DEBUG LOADAOF). */
  set isSilent(isSilent: boolean) {
    this.#isSilent = isSilent;
    this.#sinksChanged();
  }

  /** All kinds of sinks hear of what commands change. */
  resetTargets(): void {
    this.targets = PROPAGATE_ALL;
  }

  /** From now on `sink` gets all units for its kind. */
  attach(sink: EffectSink, kind = PROPAGATE_AOF): void {
    const stream = this.#stream(kind);
    if (stream.sinks.includes(sink)) return;
    stream.sinks = [...stream.sinks, sink];
    stream.encoder.selectAgain();
    this.#sinksChanged();
  }

  /** From now on `sink` gets no more. */
  detach(sink: EffectSink): void {
    for (const stream of [this.#aof, this.#replicas]) {
      stream.sinks = stream.sinks.filter((each) => each !== sink);
    }
    this.#sinksChanged();
  }

  /** The next effect for a kind must name its database: a sink begins anew. */
  selectAgain(kind = PROPAGATE_AOF): void {
    this.#stream(kind).encoder.selectAgain();
    this.#joinIfEqual();
  }

  #stream(kind: number): EffectStream {
    return kind === PROPAGATE_AOF ? this.#aof : this.#replicas;
  }

  #sinksChanged(): void {
    const [aof, replicas] = [this.#aof, this.#replicas];
    this.#sinks = [...aof.sinks, ...replicas.sinks];
    const present = (aof.sinks.length > 0 ? PROPAGATE_AOF : 0) |
      (replicas.sinks.length > 0 ? PROPAGATE_REPL : 0);
    this.#wanted = this.#isSilent ? 0 : present;
    this.isWanted = this.#wanted !== 0;
    this.#host.calls.wantedTargets = this.#wanted;
    this.#common = this.#wanted === PROPAGATE_REPL ? replicas.encoder : aof.encoder;
    this.#joinIfEqual();
  }

  /** Between units: whether the next one can be encoded for both streams at once. */
  #joinIfEqual(): void {
    const selected = this.#aof.encoder.selectedDb;
    this.#isCommon = this.#wanted !== PROPAGATE_ALL ||
      this.#replicas.encoder.selectedDb === selected;
  }

  /** Records what the innermost call, which has just run, has changed. */
  record({ client, command, argv, effects, effectTargets }: Call): void {
    const dbIndex = client.db.index;
    if (effects !== null) {
      const targets = this.targets & effectTargets;
      for (const effect of effects) this.append(dbIndex, effect, targets);
    } else if ((command.bits & (COMMAND_WRITE | COMMAND_MAY_REPLICATE)) !== 0) {
      this.append(dbIndex, argv, this.targets);
    }
  }

  /** Adds an effect to the unit, for those of `targets` that there are; `argv` is copied. */
  append(dbIndex: number, argv: Argv, targets = PROPAGATE_ALL): void {
    const wanted = targets & this.#wanted;
    if (wanted === 0) return;
    if (this.#isCommon) {
      if (wanted === this.#wanted) return this.#common.append(dbIndex, argv);
      this.#replicas.encoder.follow(this.#aof.encoder);
      this.#isCommon = false;
    }
    this.#aof.append(dbIndex, argv, wanted);
    this.#replicas.append(dbIndex, argv, wanted);
  }

  /** Ends the unit; without effects it is none. Returns whether there was one. */
  endUnit(): boolean {
    if (!this.#common.isOpen) return false;
    const aofEncoder = this.#aof.encoder;
    if (!this.#isCommon) {
      this.aofBytes += aofEncoder.endUnit(this.#aof.sinks);
      this.#replicas.encoder.endUnit(this.#replicas.sinks);
      this.#joinIfEqual();
      return true;
    }
    const byteCount = this.#common.endUnit(this.#sinks);
    if (this.#common === aofEncoder) this.aofBytes += byteCount;
    if (this.#wanted === PROPAGATE_ALL) this.#replicas.encoder.follow(aofEncoder);
    return true;
  }
}
