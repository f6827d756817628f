/**
 * Gates: reasons why a command of any client may be refused or has to wait, as bits of one number,
 * so that dispatch skips all checks while there is none.
 */

/** The data set is being loaded. */
export const GATE_LOADING = 1 << 0;
/** The last save or AOF write failed: MISCONF to writers. */
export const GATE_MISCONF = 1 << 1;
/** `maxmemory` is set, or the address space is nearly used up. */
export const GATE_MEMORY = 1 << 2;
/** Fewer good replicas than `min-replicas-to-write` asks for: NOREPLICAS to writers. */
export const GATE_NO_REPLICAS = 1 << 3;
/** Somebody watches all commands (MONITOR). */
export const GATE_MONITOR = 1 << 4;
/** CLIENT PAUSE. */
export const GATE_PAUSED = 1 << 5;
/** The server is a replica that only its master may change: READONLY to writers. */
export const GATE_READ_ONLY = 1 << 6;
/** A replica without its master, whose data may be old: MASTERDOWN. */
export const GATE_MASTER_DOWN = 1 << 7;
/** Other data are being loaded, which will take the place of the present ones. */
export const GATE_LOADING_BESIDE = 1 << 8;
/** A command that takes long lets others be served (execution/yielding.ts): -BUSY to most. */
export const GATE_BUSY = 1 << 9;

export class Gates {
  bits = 0;

  /** Switches a reason (GATE_…) on or off. */
  set(bit: number, isOn: boolean): void {
    this.bits = isOn ? this.bits | bit : this.bits & ~bit;
  }
}
