/**
 * Traced syncs: what a power loss would leave of an append-only file. strace(1) watches a server
 * write and sync; from its log follows how many bytes of the file were safe at the end: those that
 * were written before the last sync began that has also ended.
 *
 * A sync is fdatasync(2) or fsync(2), which strace can hold up, or a request to io_uring: then it
 * has ended for the server when it reads the eventfd that it gave to the ring.
 */

/** The calls that must be in the log. */
export const TRACED_CALLS = [
  "write",
  "fdatasync",
  "fsync",
  "io_uring_enter",
  "io_uring_register",
  "read",
];

const SYNC_CALLS = ["fdatasync", "fsync"];

/** What a log tells of a file. */
export interface SafeBytes {
  /** Bytes that were written in all, and those of them that surely are on the disk. */
  written: number;
  safe: number;
  /** Syncs that have ended. */
  syncCount: number;
}

/** One line: a call begins, ends, or does both. */
const LINE = /^(\d+) +(?:<\.\.\. )?(\w+)(?: resumed>)?(.*)$/;

/**
 * Reads a log of `strace -f -y`, of the calls above. `isFile` tells by its path which file is
 * meant; it is empty when the log begins.
 */
export function safeBytesOf(log: string, isFile: (path: string) => boolean): SafeBytes {
  const found = { written: 0, safe: 0, syncCount: 0 };
  /** How much had been written when each thread's sync began, and those of the ring. */
  const begun = new Map<string, number>();
  const ring: number[] = [];
  let eventFd = "";
  const end = (bytes: number) => {
    found.safe = Math.max(found.safe, bytes);
    found.syncCount++;
  };
  for (const line of log.split("\n")) {
    const match = LINE.exec(line);
    if (match === null) continue;
    const [, thread = "", call = "", rest = ""] = match;
    const begins = !line.includes(" resumed>");
    const result = begins && rest.includes("<unfinished") ? null : / = (-?\d+)/.exec(rest);
    const [, fd = "", path = ""] = /^\((\d+)<(.*?)>/.exec(rest) ?? [];
    if (call === "io_uring_register") eventFd = /\[(\d+)/.exec(rest)?.[1] ?? eventFd;
    else if (call === "write") {
      // One that is cut in two is counted when it has ended; nothing else could be synced before.
      if (begins && isFile(path)) begun.set(`${thread} write`, 0);
      if (result !== null && begun.delete(`${thread} write`)) found.written += Number(result[1]);
    } else if (SYNC_CALLS.includes(call)) {
      if (begins && isFile(path)) begun.set(thread, found.written);
      if (result === null || !begun.has(thread)) continue;
      if (result[1] === "0") end(begun.get(thread)!);
      begun.delete(thread);
    } else if (call === "io_uring_enter" && begins) ring.push(found.written);
    else if (call === "read" && result !== null && begins && fd === eventFd && fd !== "") {
      if (Number(result[1]) > 0) ring.splice(0).forEach(end);
    }
  }
  return found;
}
