/**
 * Kernel files: small files below /proc in which the kernel of Linux keeps settings of a process.
 * The runtime opens these only for a process with all permissions, and the executable has fewer; so
 * the C library does, where it may be called.
 */
import { latin1Text } from "../base/bytes.ts";
import { type Libc, openLibc, systemError } from "../net/libc.ts";

const O_RDONLY = 0;
/** O_WRONLY and O_TRUNC: to the kernel it is all the same. */
const O_REPLACE = 0o1001;
const O_CLOEXEC = 0o2000000;
/** Such a file has one number, or a few lines. */
const FILE_BYTES_MAX = 8192;

/** The text of a file. Throws an Error that names the errno. */
export function readKernelFile(path: string): string {
  const libc = openLibc();
  if (libc === null) return Deno.readTextFileSync(path);
  return withFile(libc, path, O_RDONLY, (fd) => {
    const bytes = new Uint8Array(FILE_BYTES_MAX);
    const length = checked(libc, libc.read(fd, bytes, bytes.length));
    return latin1Text(bytes, 0, length);
  });
}

/** Writes the text in one go, as the kernel wants it. Throws an Error that names the errno. */
export function writeKernelFile(path: string, text: string): void {
  const libc = openLibc();
  if (libc === null) return Deno.writeTextFileSync(path, text, { create: false });
  withFile(libc, path, O_REPLACE, (fd) => {
    const bytes = new TextEncoder().encode(text);
    checked(libc, libc.write(fd, bytes, bytes.length));
  });
}

function withFile<Result>(
  libc: Libc,
  path: string,
  flags: number,
  work: (fd: number) => Result,
): Result {
  const name = new TextEncoder().encode(`${path}\0`);
  const fd = checked(libc, libc.open(name, flags | O_CLOEXEC));
  try {
    return work(fd);
  } finally {
    libc.close(fd);
  }
}

/** What a call has returned, unless it has failed. */
function checked(libc: Libc, result: number): number {
  if (result < 0) throw systemError(libc, libc.errno());
  return result;
}
