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

/** How a line is laid out (log-format of Valkey): as above, as `key="value"`, as an object. */
export type LogFormat = "legacy" | "logfmt" | "json";
/** How a line tells its time: as above, as in RFC 3339 with the offset from UTC, as Unix time. */
export type LogTimeFormat = "legacy" | "iso8601" | "milliseconds";

/** Who speaks: the server itself (as master or replica), or its background child. */
export type LogRole = "M" | "S" | "C";

const LEVELS: readonly LogThreshold[] = ["debug", "verbose", "notice", "warning", "nothing"];
const MARKS = ".-*#";
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
const encoder = new TextEncoder();

function digits(value: number, width: number): string {
  return String(value).padStart(width, "0");
}

/** "05 Mar 2024 14:07:09.123", local time, or what else is asked for. */
function formatTime(timeMs: number, format: LogTimeFormat): string {
  if (format === "milliseconds") return String(timeMs);
  const time = new Date(timeMs);
  if (format === "iso8601") return isoTime(time);
  const day = `${digits(time.getDate(), 2)} ${MONTHS[time.getMonth()]} ${time.getFullYear()}`;
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()];
  return `${day} ${clock.map((part) => digits(part, 2)).join(":")}.` +
    digits(time.getMilliseconds(), 3);
}

/** "2024-03-05T14:07:09.123+01:00", local time. */
function isoTime(time: Date): string {
  const minutesEast = -time.getTimezoneOffset();
  const local = new Date(time.getTime() + minutesEast * 60_000).toISOString().slice(0, -1);
  const size = Math.abs(minutesEast);
  const offset = `${digits(Math.floor(size / 60), 2)}:${digits(size % 60, 2)}`;
  return `${local}${minutesEast < 0 ? "-" : "+"}${offset}`;
}

const ROLE_NAMES: Readonly<Record<LogRole, string>> = {
  M: "primary",
  S: "replica",
  C: "RDB/AOF",
};

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
  format: LogFormat = "legacy";
  timeFormat: LogTimeFormat = "legacy";
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

  /** Text without prefix, for the banner and crash reports; in other formats an entry as well. */
  raw(text: string): void {
    this.#append(this.format === "legacy" ? text : this.#line(2, text));
  }

  #write(level: number, message: string): void {
    if (level < this.#level) return;
    this.#append(this.#line(level, message));
  }

  #line(level: number, message: string): string {
    const { pid } = Deno;
    const timestamp = formatTime(systemMs(), this.timeFormat);
    if (this.format === "legacy") {
      return `${pid}:${this.#role} ${timestamp} ${MARKS.charAt(level)} ${message}\n`;
    }
    const role = ROLE_NAMES[this.#role];
    const entry = { pid, role, timestamp, level: LEVELS[level], message };
    if (this.format === "json") return `${JSON.stringify(entry)}\n`;
    return `pid=${pid} role=${role} timestamp="${timestamp}" level=${entry.level} ` +
      `message=${JSON.stringify(message)}\n`;
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
