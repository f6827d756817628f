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
 * upstart wants its services to stop themselves by a signal, which the runtime does not allow
 * without the permission to run programs; that mode is refused in the log and changes nothing.
 */
import { join } from "@std/path";
import type { Log } from "../base/log.ts";

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
const encoder = new TextEncoder();

export class Supervision {
  readonly #log: Log;
  #mode: SupervisedMode = "no";
  #path = "";
  #socket: DatagramSocket | null = null;

  constructor(log: Log) {
    this.#log = log;
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
      "Supervised by systemd. Please make sure you set appropriate values for TimeoutStartSec and " +
        "TimeoutStopSec in your service unit.",
    );
    this.#path = (Deno.env.get("NOTIFY_SOCKET") ?? "").replace(/^@/, "\0");
    if (this.#path === "") {
      this.#log.warning("systemd supervision error: NOTIFY_SOCKET not found!");
      return;
    }
    this.#socket = this.#openSocket();
    if (this.#socket === null) return;
    this.#mode = "systemd";
    this.#send("STATUS=Redis is loading...\n");
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

  close(): void {
    this.#socket?.close();
    this.#socket = null;
    this.#mode = "no";
  }

  #detect(): SupervisedMode {
    if (Deno.env.has("UPSTART_JOB")) {
      this.#log.verbose("Upstart supervision detected.");
      return "upstart";
    }
    if (Deno.env.has("NOTIFY_SOCKET")) {
      this.#log.verbose("Systemd supervision detected.");
      return "systemd";
    }
    return "no";
  }

  #refuseUpstart(): void {
    this.#log.warning(
      Deno.env.has("UPSTART_JOB")
        ? "upstart supervision requested, but the runtime cannot stop itself to signal readiness"
        : "upstart supervision requested, but UPSTART_JOB not found!",
    );
  }

  /** A socket to send from. It needs a name of its own, which is given up as soon as it has it. */
  #openSocket(): DatagramSocket | null {
    const { listenDatagram } = Deno as unknown as { listenDatagram?: ListenDatagram };
    if (listenDatagram === undefined) {
      this.#log.warning(
        "systemd supervision error: this runtime sends datagrams only with --unstable-net",
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
      if (error instanceof Deno.errors.Busy) setTimeout(() => this.#send(message), RETRY_MS);
      else this.#complain(error);
    });
  }

  #complain(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.#log.warning(`systemd supervision error: sd_notify: ${reason}`);
  }
}
