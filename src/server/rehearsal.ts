/**
 * Rehearsal: one PING through a server that nobody sees, so that the first real client does not
 * wait while the runtime compiles what lies between a socket and its reply (5 ms, against 0.2 for
 * every later one). What is compiled belongs to the code, not to the server that ran it; the one of
 * the rehearsal is dropped, and leaves no trace in statistics, logs or files.
 */
import { latin1Bytes } from "../base/bytes.ts";
import { Log } from "../base/log.ts";
import type { RedisCommand } from "../session/command.ts";
import { Config } from "../config/config.ts";
import { Connection } from "../net/connection.ts";
import { RuntimeCarrier, type Socket } from "../net/runtime_carrier.ts";
import { Server } from "./server.ts";

const REQUEST = latin1Bytes("*1\r\n$4\r\nPING\r\n");
const ADDRESSES = { peer: "127.0.0.1:0", local: "127.0.0.1:0" };

/** Runs the rehearsal; resolves with the bytes of the reply when its connection has ended. */
export async function rehearse(rows: readonly RedisCommand[]): Promise<Uint8Array> {
  const server = new Server({ config: new Config(), rows, log: new Log(() => {}) });
  const socket = new Stage();
  new Connection(server, new RuntimeCarrier(socket), ADDRESSES).start();
  await socket.ended;
  return socket.written;
}

/** A peer that sends one request and then no more. */
class Stage implements Socket {
  readonly ended: Promise<void>;
  written: Uint8Array = new Uint8Array(0);
  #end!: () => void;
  #isAsked = false;

  constructor() {
    this.ended = new Promise((resolve) => this.#end = resolve);
  }

  read(target: Uint8Array<ArrayBuffer>): Promise<number | null> {
    if (this.#isAsked) return Promise.resolve(null);
    this.#isAsked = true;
    target.set(REQUEST);
    return Promise.resolve(REQUEST.length);
  }

  write(source: Uint8Array<ArrayBuffer>): Promise<number> {
    this.written = source.slice();
    return Promise.resolve(source.length);
  }

  close(): void {
    this.#end();
  }
}
