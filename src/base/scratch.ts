/**
 * Scratch: objects that procedures keep in module variables only because making them anew at each
 * call would cost more than using them: slices, cursors.
 *
 * Between calls their content means nothing. But what they were last pointed at stays alive: a
 * closed server's memory, or segments that were to go back to the system. So each is registered
 * here, and told to forget when a server closes and before garbage is collected. Not to be called
 * while a procedure runs.
 *
 * A slice that is handed to a visitor is no such object, for what the visitor calls may walk in
 * turn, and fill it again before the visitor is done with it. Each walk takes a slice of its own.
 */

import { Slice } from "./bytes.ts";

/** Something that refers to memory which is not its own. */
export interface Forgetful {
  /** Lets go of it. */
  forget(): void;
}

const kept: Forgetful[] = [];

/** Registers an object that lives as long as the program, and returns it. */
export function scratch<Kept extends Forgetful>(object: Kept): Kept {
  kept.push(object);
  return object;
}

/** Lets go of all memory that scratch objects refer to. */
export function forgetScratch(): void {
  for (const object of kept) object.forget();
}

/** Slices that no walk uses: two, for walks over pairs. Those within other walks are rare. */
let idle: Slice | null = null;
let otherIdle: Slice | null = null;

/** A slice for a walk, which gives it back at its end; one that ends by an exception need not. */
export function takeSlice(): Slice {
  const slice = idle;
  if (slice === null) return new Slice();
  idle = otherIdle;
  otherIdle = null;
  return slice;
}

/** Gives back what `takeSlice` returned. It views nothing any more. */
export function giveSlice(slice: Slice): void {
  slice.forget();
  otherIdle = idle;
  idle = slice;
}
