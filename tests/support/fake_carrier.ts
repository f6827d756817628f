/** A connection whose carrier the test plays, and a server behind it without any socket. */
import { assert } from "@std/assert";
import { type Carrier, Connection } from "../../src/net/connection.ts";
import type { ServerOptions } from "../../src/server/server.ts";
import { EmbeddedServer } from "./embedded_server.ts";
import { type Argument, encodeRequests } from "./resp_client.ts";
import { SimulatedFiles } from "./simulated_files.ts";
import { concatBytes, settle } from "./text.ts";

/** Bytes of the string at "large". */
export const VALUE_BYTES = 100_000;

/** A peer that takes as much as the test allows. */
export class FakeCarrier implements Carrier {
  readonly isReading = false;
  /** Bytes that are taken at once before the system has no more room. */
  roomBytes = Infinity;
  /** As the runtime does it: nothing is taken at once, all is under way. */
  isLate = false;
  /** What it is given may change as soon as `write` has returned. */
  writesAtOnce = false;
  /** How many bytes were written from memory that is shared, as the data are. */
  sharedBytes = 0;
  /** Whether more was announced with what was written last. */
  isMoreComing = false;
  readonly writes: Uint8Array[] = [];
  isClosed = false;
  #late: Uint8Array | null = null;

  open(): void {}
  read(): void {}
  stopReading(): void {}
  setNoDelay(): void {}

  write(bytes: Uint8Array, start: number, end: number, isMoreComing: boolean): number {
    assert(!this.isClosed && this.#late === null, "a write too many");
    if (this.isLate) {
      this.#late = bytes.subarray(start, end);
      return 0;
    }
    const taken = Math.min(end - start, this.roomBytes);
    this.roomBytes -= taken;
    this.isMoreComing = isMoreComing;
    if (bytes.buffer instanceof SharedArrayBuffer) this.sharedBytes += taken;
    this.writes.push(bytes.slice(start, start + taken));
    return taken;
  }

  /** What is under way has been taken. */
  complete(connection: Connection): boolean {
    const bytes = this.#late;
    if (bytes === null) return false;
    this.#late = null;
    this.writes.push(bytes.slice());
    connection.written(bytes.length);
    return true;
  }

  close(): void {
    this.isClosed = true;
  }

  get bytes(): Uint8Array {
    return concatBytes(this.writes);
  }
}

export class Setup implements Disposable {
  readonly carrier = new FakeCarrier();
  readonly connection: Connection;
  readonly embedded: EmbeddedServer;

  /** What it has for a disk, if its data are recorded. */
  readonly files = new SimulatedFiles();

  constructor(
    directives: readonly (readonly [string, string])[] = [],
    options: Partial<ServerOptions> = {},
  ) {
    this.embedded = new EmbeddedServer(directives, { files: this.files, ...options });
    const addresses = { peer: "127.0.0.1:5555", local: "127.0.0.1:6379" };
    this.connection = new Connection(this.embedded.server, this.carrier, addresses);
    this.connection.start();
    this.embedded.run("SET", "large", "v".repeat(VALUE_BYTES));
  }

  /** A server that records what it does. */
  static async withAof(appendfsync: string): Promise<Setup> {
    const setup = new Setup([["appendonly", "yes"], ["appendfsync", appendfsync]]);
    const { config, persistence } = setup.embedded.server;
    config.dir = "/data";
    await persistence.loadAtStart();
    await settle();
    return setup;
  }

  /** A pipeline arrives, in one read if it fits; returns before the turn ends. */
  send(requests: readonly (readonly Argument[])[]): void {
    const bytes = encodeRequests(requests);
    for (let at = 0; at < bytes.length;) {
      const { room } = this.connection;
      const part = bytes.subarray(at, at + room.length);
      room.set(part);
      at += part.length;
      this.connection.received(part.length);
    }
  }

  [Symbol.dispose](): void {
    this.embedded[Symbol.dispose]();
  }
}
