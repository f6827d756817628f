/**
 * Machine: what the system says of itself and of this program, and what stays as it is as long as
 * the program runs. Each answer costs a system call, some a file to be read and parsed, so each is
 * asked for once.
 */

let systemText: string | undefined;
let memoryBytes: number | undefined;
let path: string | undefined;

const SYSTEM_NAMES: Record<string, string> = {
  linux: "Linux",
  darwin: "Darwin",
  windows: "Windows",
  freebsd: "FreeBSD",
};

/** The system, its release and what it runs on, as uname(1) has them: "Linux 6.1.0 x86_64". */
export function systemName(): string {
  const { os, arch } = Deno.build;
  systemText ??= `${SYSTEM_NAMES[os] ?? os} ${Deno.osRelease()} ${arch}`;
  return systemText;
}

/** Bytes of memory that the machine has. */
export function systemMemoryBytes(): number {
  memoryBytes ??= Deno.systemMemoryInfo().total;
  return memoryBytes;
}

/** The path of the program's file. */
export function programPath(): string {
  path ??= Deno.execPath();
  return path;
}
