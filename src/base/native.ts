/**
 * Native: whether functions of the C library may be called, and those that need nothing else: how
 * much a thread matters, and moving bytes. All others are in net/libc.ts.
 */

/** The C library where it is known to fit. */
export const LIBC = "libc.so.6";

/** Whether the C library may be had: by the system, and by the runtime's permissions. */
export function mayUseLibc(): boolean {
  const { os, arch } = Deno.build;
  if (os !== "linux" || (arch !== "x86_64" && arch !== "aarch64")) return false;
  return Deno.permissions.querySync({ name: "ffi" }).state === "granted";
}

/**
 * Has the scheduler prefer other threads to this one, by so many steps of nice(2), which on Linux
 * is about the calling thread alone. Where it cannot be had, nothing is changed.
 */
export function lowerPriority(steps: number): void {
  if (!mayUseLibc()) return;
  try {
    const library = Deno.dlopen(LIBC, { nice: { parameters: ["i32"], result: "i32" } });
    library.symbols.nice(steps);
    library.close();
  } catch {
    // Another C library.
  }
}

/** Moves `byteCount` bytes from the front of `source` to that of `target`; both have so many. */
export type MoveBytes = (target: Uint8Array, source: Uint8Array, byteCount: number) => void;

/**
 * memmove(3), which is as quick with shared memory as with any other, and whatever the alignment;
 * null where it cannot be had. Opening it takes about half a millisecond.
 */
export function openMoveBytes(): MoveBytes | null {
  if (!mayUseLibc()) return null;
  try {
    const { symbols } = Deno.dlopen(LIBC, {
      memmove: { parameters: ["buffer", "buffer", "u32"], result: "void" },
    });
    // It does not matter to it whether memory is shared, only the type knows.
    return symbols.memmove as MoveBytes;
  } catch {
    return null;
  }
}
