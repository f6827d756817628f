/**
 * What the kernel knows of a process: resident memory and CPU time, read from /proc. Linux only.
 *
 *   /proc/<pid>/stat     fields 14 and 15: user and system time in clock ticks (100 a second)
 *   /proc/<pid>/task/<thread>/schedstat   field 1: time that it has run, in ns; that of the main
 *                        thread is /proc/<pid>/schedstat, too
 *   /proc/<pid>/status   VmRSS: resident memory in kB; RssAnon: without the pages of files, which
 *                        the kernel can have back at any time (code of the runtime, above all);
 *                        VmHWM: the most that ever was resident
 */

const TICKS_PER_SECOND = 100;

/** Resident memory in bytes. */
export function residentBytes(pid: number): number {
  return statusBytes(pid, "VmRSS");
}

/** The most memory that was resident since the start of the process, in bytes. */
export function peakResidentBytes(pid: number): number {
  return statusBytes(pid, "VmHWM");
}

/** Resident memory in bytes that the process has made itself. */
export function anonymousBytes(pid: number): number {
  return statusBytes(pid, "RssAnon");
}

function statusBytes(pid: number, field: string): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const match = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status);
  if (match === null) throw new Error(`Cannot read ${field} of process ${pid}`);
  return Number(match[1]) * 1024;
}

/** User and system time spent so far, all threads, in seconds. */
export function cpuSeconds(pid: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  // The program name in parentheses may hold spaces; fields are counted after it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/**
 * User and system time spent so far, in microseconds: as `cpuSeconds`, but exact to the last time
 * that the process stood still. Threads that have ended are not in it, so it is for loads during
 * which none does. Kernels that do not keep it have `cpuSeconds` only.
 */
export function cpuMicroseconds(pid: number): number {
  let nanoseconds = 0;
  try {
    for (const { name } of Deno.readDirSync(`/proc/${pid}/task`)) {
      const text = Deno.readTextFileSync(`/proc/${pid}/task/${name}/schedstat`);
      nanoseconds += Number(text.slice(0, text.indexOf(" ")));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return cpuSeconds(pid) * 1e6;
  }
  return nanoseconds / 1000;
}

/** Time in ms that the main thread was on a processor, as exactly as the scheduler knows it. */
export function mainThreadMs(pid: number): number {
  return Number(Deno.readTextFileSync(`/proc/${pid}/schedstat`).split(" ", 1)[0]) / 1e6;
}
