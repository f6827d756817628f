/**
 * AOF tail: what stands behind the place at which a log will be cut, and how it is kept: in a file
 * beside the log, "<name>.cut-at-<offset>", so that nothing is lost that somebody may want to mend.
 *
 * Zero bytes at the very end are what a power loss leaves of a file whose size was written before
 * its content. They do not count, however many there are.
 */
import { dirname } from "@std/path";
import { type FileHandle, type FileSystem, removeIfExists } from "./file_system.ts";

const PIECE_BYTES = 1024 * 1024;

/** Bytes from `offset` to the last that is not zero. Throws errors of the disk. */
export function bytesUpToZeros(files: FileSystem, path: string, offset: number): number {
  const file = files.openForRead(path);
  try {
    const fileBytes = file.size();
    let end = offset;
    for (let at = offset; at < fileBytes; at += PIECE_BYTES) {
      const last = readRange(file, at, PIECE_BYTES).findLastIndex((byte) => byte !== 0);
      if (last >= 0) end = at + last + 1;
    }
    return end - offset;
  } finally {
    file.close();
  }
}

/**
 * Copies all from `offset` on to a new file, which is on the disk when this returns. Returns its
 * path, or null if there is nothing but zero bytes. Throws errors of the disk, and leaves nothing.
 */
export function keepTail(files: FileSystem, path: string, offset: number): string | null {
  const byteCount = bytesUpToZeros(files, path, offset);
  if (byteCount === 0) return null;
  let kept = `${path}.cut-at-${offset}`;
  for (let number = 2; files.stat(kept) !== null; number++) {
    kept = `${path}.cut-at-${offset}-${number}`;
  }
  try {
    copyRange(files, path, offset, byteCount, kept);
  } catch (error) {
    removeIfExists(files, kept);
    throw error;
  }
  return kept;
}

function copyRange(
  files: FileSystem,
  path: string,
  offset: number,
  byteCount: number,
  target: string,
): void {
  const source = files.openForRead(path);
  try {
    const copy = files.openForWrite(target);
    try {
      for (let done = 0; done < byteCount;) {
        const piece = readRange(source, offset + done, Math.min(PIECE_BYTES, byteCount - done));
        copy.write(piece, 0, piece.length);
        done += piece.length;
      }
      copy.sync();
    } finally {
      copy.close();
    }
  } finally {
    source.close();
  }
  files.syncDirectory(dirname(target));
}

/** Up to `length` bytes from `offset` on. */
function readRange(file: FileHandle, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(Math.min(length, Math.max(0, file.size() - offset)));
  file.seek(offset);
  let end = 0;
  while (end < bytes.length) {
    const count = file.read(bytes, end, bytes.length - end);
    if (count === 0) break;
    end += count;
  }
  return bytes.subarray(0, end);
}
