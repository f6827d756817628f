/**
 * The server's log, in Redis's line format, so that tools that read one read the other:
 *
 *   4711:M 05 Mar 2024 14:07:09.123 * DB loaded from disk: 0.012 seconds
 *   pid:role day month year time mark message      (mark: . debug, - verbose, * notice, # warning)
 *
 * Lines go to standard output (or to a function in its place) or to a file. The file is opened,
 * appended to and closed for every line, as Redis does: so it may be rotated or removed at any
 * time, and nothing is lost when the process dies. Log lines are rare; nothing on the path of a
 * command writes one.
 *
 * Logging never throws: a full disk must not take the server down with it.
 */
import { systemMs } from "./clock.ts";

export type LogLevel = "debug" | "verbose" | "notice" | "warning";
/** Nothing at all, from Redis 7.2 on. */
export type LogThreshold = LogLevel | "nothing";

/** Who speaks: the server itself (as master or replica), or its background child. */
export type LogRole = "M" | "S" | "C";

const LEVELS: readonly LogThreshold[] = ["debug", "verbose", "notice", "warning", "nothing"];
const MARKS = ".-*#";
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
const encoder = new TextEncoder();

function digits(value: number, width: number): string {
  return String(value).padStart(width, "0");
}

/** "05 Mar 2024 14:07:09.123", local time. */
function formatTime(timeMs: number): string {
  const time = new Date(timeMs);
  const day = `${digits(time.getDate(), 2)} ${MONTHS[time.getMonth()]} ${time.getFullYear()}`;
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()];
  return `${day} ${clock.map((part) => digits(part, 2)).join(":")}.` +
    digits(time.getMilliseconds(), 3);
}

function writeAll(file: { writeSync(bytes: Uint8Array): number }, bytes: Uint8Array): void {
  let written = 0;
  while (written < bytes.length) written += file.writeSync(bytes.subarray(written));
}

function writeToStandardOutput(text: string): void {
  writeAll(Deno.stdout, encoder.encode(text));
}

export class Log {
  readonly #writeOut: (text: string) => void;
  #level = LEVELS.indexOf("notice");
  #role: LogRole = "M";
  /** Path of the log file; "" is standard output (as `logfile ""` in the configuration). */
  #path = "";

  /** `writeOut` takes what would go to standard output: whole lines with their line feed. */
  constructor(writeOut: (text: string) => void = writeToStandardOutput) {
    this.#writeOut = writeOut;
  }

  get level(): LogThreshold {
    return LEVELS[this.#level]!;
  }

  /** Lines below this level are dropped. */
  set level(level: LogThreshold) {
    this.#level = LEVELS.indexOf(level);
  }

  get path(): string {
    return this.#path;
  }

  get role(): LogRole {
    return this.#role;
  }

  set role(role: LogRole) {
    this.#role = role;
  }

  /**
   * Sends further lines to the file `path`, which is created if need be; "" is standard output.
   * Throws the system's error if the file cannot be opened, and stays where it was.
   */
  open(path: string): void {
    if (path !== "") Deno.openSync(path, { append: true, create: true }).close();
    this.#path = path;
  }

  /** Whether a line of this level would be written: asked before a costly message is made. */
  isOn(level: LogLevel): boolean {
    return LEVELS.indexOf(level) >= this.#level;
  }

  debug(message: string): void {
    this.#write(0, message);
  }

  verbose(message: string): void {
    this.#write(1, message);
  }

  notice(message: string): void {
    this.#write(2, message);
  }

  warning(message: string): void {
    this.#write(3, message);
  }

  /** A line without prefix, for the banner and crash reports. */
  raw(text: string): void {
    this.#append(text);
  }

  #write(level: number, message: string): void {
    if (level < this.#level) return;
    const prefix = `${Deno.pid}:${this.#role} ${formatTime(systemMs())}`;
    this.#append(`${prefix} ${MARKS.charAt(level)} ${message}\n`);
  }

  #append(text: string): void {
    try {
      if (this.#path === "") return this.#writeOut(text);
      const bytes = encoder.encode(text);
      const file = Deno.openSync(this.#path, { append: true, create: true });
      try {
        writeAll(file, bytes);
      } finally {
        file.close();
      }
    } catch {
      // There is nobody left to tell.
    }
  }
}

/** The process's log. A worker has its own instance: it sets the role "C", level and path anew. */
export const log: Log = new Log();
