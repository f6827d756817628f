/**
 * Scratch: objects that procedures keep in module variables only because making them anew at each
 * call would cost more than using them: slices, cursors.
 *
 * Between calls their content means nothing. But what they were last pointed at stays alive: a
 * closed server's memory, or segments that were to go back to the system. So each is registered
 * here, and told to forget when a server closes and before garbage is collected. Not to be called
 * while a procedure runs.
 */

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
