/**
 * Supervision: tells the service manager how the server is doing (`supervised`).
 *
 * systemd hands a service the address of a datagram socket in NOTIFY_SOCKET and takes messages such
 * as `READY=1` or `STATUS=…` there (sd_notify(3)); a name that begins with `@` is in the abstract
 * namespace, where that character stands for a zero byte. The runtime has datagram sockets of this
 * kind only with `--unstable-net`, which the executable and the tasks of deno.json set; without it
 * the log says that systemd will hear nothing.
 *
 * The socket is opened once and kept: a message on a socket that has been used before is sent at
 * once, not in a later turn of the event loop, which the last one, STOPPING=1, would not live to
 * see.
 *
 * WATCHDOG. If the unit sets WatchdogSec, the variable WATCHDOG_USEC says after how many µs without
 * `WATCHDOG=1` systemd takes the server for dead and starts it again. The message is sent twice in
 * that time, by a timer of the event loop: a loop that hangs is silent. What may rightly take
 * longer, such as SAVE, is done within `whileBusy`, for which the manager is asked to be patient.
 *
 * upstart wants its services to stop themselves by a signal, which the runtime does not allow
 * without the permission to run programs; that mode is refused in the log and changes nothing.
 */
import { join } from "@std/path";
import type { Log } from "../base/log.ts";
import type { Timer, Timers } from "../base/timers.ts";

/** The values of `supervised`. */
export type SupervisedMode = "upstart" | "systemd" | "auto" | "no";

/** The part of Deno.DatagramConn that is used. */
interface DatagramSocket {
  send(bytes: Uint8Array, address: { transport: "unixpacket"; path: string }): Promise<number>;
  close(): void;
}

type ListenDatagram = (options: { transport: "unixpacket"; path: string }) => DatagramSocket;

/** Pause before a message is tried again. */
const RETRY_MS = 10;
/** How long the manager is to wait for something that rightly takes long: a day, in µs. */
const PATIENCE_US = 24 * 60 * 60 * 1_000_000;
const encoder = new TextEncoder();

export class Supervision {
  readonly #log: Log;
  #mode: SupervisedMode = "no";
  #path = "";
  #socket: DatagramSocket | null = null;
  /** WATCHDOG_USEC; 0: nobody watches. */
  #watchdogUs = 0;
  /** How often it hears of us, and when it last did, in ms of `timers.nowMs`. */
  #watchdogMs = 0;
  #fedMs = 0;
  readonly #watchdogTimer: Timer;
  readonly #timers: Timers;

  constructor(log: Log, timers: Timers) {
    this.#log = log;
    this.#timers = timers;
    this.#watchdogTimer = timers.create(() => this.#feedWatchdog());
  }

  /** What INFO process_supervised says: the manager that listens, or "no". */
  get mode(): SupervisedMode {
    return this.#mode;
  }

  /** Finds the manager that the configuration wants, and says that the server is loading. */
  begin(wanted: SupervisedMode): void {
    const mode = wanted === "auto" ? this.#detect() : wanted;
    if (mode === "upstart") this.#refuseUpstart();
    if (mode !== "systemd") return;
    this.#log.warning(
      "systemd is told when the server is ready and when it stops. Loading and the last save must " +
        "fit the unit's TimeoutStartSec and TimeoutStopSec.",
    );
    this.#path = (Deno.env.get("NOTIFY_SOCKET") ?? "").replace(/^@/, "\0");
    if (this.#path === "") {
      this.#log.warning("systemd cannot be told anything: NOTIFY_SOCKET is not set");
      return;
    }
    this.#socket = this.#openSocket();
    if (this.#socket === null) return;
    this.#mode = "systemd";
    this.#send("STATUS=The data are being loaded\n");
    this.#beginWatchdog();
  }

  /** The server serves. */
  ready(): void {
    this.#send("READY=1\nSTATUS=Ready to accept connections\n");
  }

  /** The server is about to end; the messages leave before this returns. */
  stopping(): void {
    this.#send("STOPPING=1\n");
  }

  /** What the server is busy with, for `systemctl status`. */
  status(text: string): void {
    this.#send(`STATUS=${text}\n`);
  }

  /** For the time in which the event loop does not come to its timers, but clients are served. */
  feedIfDue(): void {
    if (this.#watchdogUs === 0) return;
    if (this.#timers.nowMs - this.#fedMs >= this.#watchdogMs) this.#feedWatchdog();
  }

  /** Does what may keep the event loop for long without being taken for hanging. */
  whileBusy<Result>(work: () => Result): Result {
    if (this.#watchdogUs === 0) return work();
    this.#send(`WATCHDOG_USEC=${PATIENCE_US}\nWATCHDOG=1\n`);
    try {
      return work();
    } finally {
      this.#send(`WATCHDOG_USEC=${this.#watchdogUs}\nWATCHDOG=1\n`);
    }
  }

  close(): void {
    this.#watchdogTimer.stop();
    this.#watchdogUs = 0;
    this.#socket?.close();
    this.#socket = null;
    this.#mode = "no";
  }

  /** The variables are meant for one process, which WATCHDOG_PID names if it is there. */
  #beginWatchdog(): void {
    const pid = Deno.env.get("WATCHDOG_PID");
    if (pid !== undefined && pid !== String(Deno.pid)) return;
    const periodUs = Number(Deno.env.get("WATCHDOG_USEC") ?? 0);
    if (!Number.isSafeInteger(periodUs) || periodUs <= 0) return;
    this.#watchdogUs = periodUs;
    this.#watchdogMs = Math.max(1, periodUs / 2000);
    this.#watchdogTimer.start(this.#watchdogMs);
    this.#log.verbose(`systemd is told every ${this.#watchdogMs} ms that the event loop runs`);
  }

  #feedWatchdog(): void {
    this.#fedMs = this.#timers.nowMs;
    this.#send("WATCHDOG=1\n");
    this.#watchdogTimer.start(this.#watchdogMs);
  }

  #detect(): SupervisedMode {
    if (Deno.env.has("UPSTART_JOB")) {
      this.#log.verbose("UPSTART_JOB is set: this is upstart.");
      return "upstart";
    }
    if (Deno.env.has("NOTIFY_SOCKET")) {
      this.#log.verbose("NOTIFY_SOCKET is set: this is systemd.");
      return "systemd";
    }
    return "no";
  }

  #refuseUpstart(): void {
    this.#log.warning(
      Deno.env.has("UPSTART_JOB")
        ? "upstart cannot be told anything: the runtime cannot stop itself, which is the signal"
        : "upstart cannot be told anything: UPSTART_JOB is not set",
    );
  }

  /** A socket to send from. It needs a name of its own, which is given up as soon as it has it. */
  #openSocket(): DatagramSocket | null {
    const { listenDatagram } = Deno as unknown as { listenDatagram?: ListenDatagram };
    if (listenDatagram === undefined) {
      this.#log.warning(
        "systemd cannot be told anything: this runtime sends datagrams only with --unstable-net",
      );
      return null;
    }
    let directory = "";
    try {
      directory = Deno.makeTempDirSync({ prefix: "redeno_notify_" });
      return listenDatagram({ transport: "unixpacket", path: join(directory, "socket") });
    } catch (error) {
      this.#complain(error);
      return null;
    } finally {
      if (directory !== "") Deno.removeSync(directory, { recursive: true });
    }
  }

  #send(message: string): void {
    if (this.#socket === null) return;
    const address = { transport: "unixpacket", path: this.#path } as const;
    this.#socket.send(encoder.encode(message), address).catch((error) => {
      // The one before is still under way, as the first one of a socket is for a moment.
      if (!(error instanceof Deno.errors.Busy)) return this.#complain(error);
      this.#timers.create(() => this.#send(message)).start(RETRY_MS);
    });
  }

  #complain(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.#log.warning(`A message to systemd failed: ${reason}`);
  }
}
