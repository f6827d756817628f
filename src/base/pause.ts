/**
 * Pause: lets the present thread sleep, for the directives that make saving and loading slow on
 * purpose. Nothing else in the thread goes on meanwhile.
 */

const nobodyWakesIt = new Int32Array(new SharedArrayBuffer(4));

/** Sleeps for so many microseconds; not at all for 0 or less. */
export function pause(durationUs: number): void {
  if (durationUs > 0) Atomics.wait(nobodyWakesIt, 0, 0, durationUs / 1000);
}
