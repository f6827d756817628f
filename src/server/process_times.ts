/**
 * Process times: what this process, its main thread and its children have taken of the processors,
 * for INFO cpu. The C library says it in microseconds; where it may not be had, the runtime does
 * for the process, and Linux's files, in hundredths of a second, for the others.
 */
import process from "node:process";
import { type Libc, openLibc } from "../net/libc.ts";

/** Seconds of processor time. */
export interface ProcessorTime {
  readonly system: number;
  readonly user: number;
}

export interface ProcessTimes {
  readonly own: ProcessorTime;
  /** Of children that have ended and were waited for. */
  readonly children: ProcessorTime;
  readonly mainThread: ProcessorTime;
}

/** What getrusage(2) calls them. */
const RUSAGE_SELF = 0;
const RUSAGE_CHILDREN = -1;
const RUSAGE_THREAD = 1;
/**
 * `struct rusage` of 64-bit Linux in words of 32 bits: user time (seconds 0, microseconds 2),
 * system time (4, 6), and further fields, 36 words in all.
 */
const USER_SECONDS = 0;
const USER_MICROSECONDS = 2;
const SYSTEM_SECONDS = 4;
const SYSTEM_MICROSECONDS = 6;
const RUSAGE_WORDS = 36;

/** Ticks per second in which /proc counts time; the same on every Linux. */
const TICKS_PER_SECOND = 100;

/** The C library; whether it may be had is asked once, for to ask takes longer than its answer. */
let library: Libc | null | undefined;

/** The times until now; of the thread that asks, which is to be the main one. */
export function processTimes(): ProcessTimes {
  if (library === undefined) library = openLibc();
  return library === null ? timesOfRuntime() : timesOfLibc(library);
}

/** The times as the C library has them. */
export function timesOfLibc(libc: Pick<Libc, "getrusage">): ProcessTimes {
  const usage = new Int32Array(RUSAGE_WORDS);
  const times = (who: number): ProcessorTime => {
    libc.getrusage(who, usage);
    return {
      system: usage[SYSTEM_SECONDS] + usage[SYSTEM_MICROSECONDS] / 1e6,
      user: usage[USER_SECONDS] + usage[USER_MICROSECONDS] / 1e6,
    };
  };
  return {
    own: times(RUSAGE_SELF),
    children: times(RUSAGE_CHILDREN),
    mainThread: times(RUSAGE_THREAD),
  };
}

/** The times as they can be had without it. */
export function timesOfRuntime(): ProcessTimes {
  const { user, system } = process.cpuUsage();
  const own = { system: system / 1e6, user: user / 1e6 };
  return {
    own,
    children: linuxTimes("/proc/self/stat", 13) ?? { system: 0, user: 0 },
    mainThread: linuxTimes("/proc/thread-self/stat", 11) ?? own,
  };
}

/**
 * Times from a stat file of Linux (proc_pid_stat(5)): the user's at field `index` behind the name
 * in parentheses, the system's after it. Null elsewhere.
 */
function linuxTimes(path: string, index: number): ProcessorTime | null {
  try {
    const text = Deno.readTextFileSync(path);
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return {
      system: Number(fields[index + 1]) / TICKS_PER_SECOND,
      user: Number(fields[index]) / TICKS_PER_SECOND,
    };
  } catch {
    return null;
  }
}
