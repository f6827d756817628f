/**
 * Bench server: the whole server in this process, without sockets and without the checks of tests:
 * parser, dispatch, data, reply. For the micro benches.
 */

import { latin1Bytes } from "../../src/base/bytes.ts";
import { monotonicUs } from "../../src/base/clock.ts";
import { Log } from "../../src/base/log.ts";
import { commandRows } from "../../src/commands/table.ts";
import type { Client, ClientTransport } from "../../src/session/client.ts";
import { Config } from "../../src/config/config.ts";
import { Server } from "../../src/server/server.ts";

const transport: ClientTransport = {
  peerAddress: "127.0.0.1:1",
  localAddress: "127.0.0.1:6379",
  close: () => {},
  flushEarly: () => {},
  requestFlush: () => {},
  resume: () => {},
  setNoDelay: () => {},
};

function encode(args: readonly string[]): string {
  return `*${args.length}\r\n${args.map((arg) => `$${arg.length}\r\n${arg}\r\n`).join("")}`;
}

export class BenchServer {
  readonly server: Server;
  readonly #client: Client;
  /** Growth of the heap during the last run; less than 0 if the collector came. */
  garbageBytes = 0;

  constructor() {
    const config = new Config();
    config.setAtStart("save", [""]);
    this.server = new Server({ config, rows: commandRows, log: new Log() });
    this.#client = this.server.clientLife.add(transport);
  }

  /** Runs requests (ASCII) as one read would bring them. Returns the microseconds it took. */
  run(requests: readonly (readonly string[])[]): number {
    const client = this.#client;
    client.query.append(latin1Bytes(requests.map(encode).join("")));
    const heapBefore = Deno.memoryUsage().heapUsed;
    const startUs = monotonicUs();
    this.server.dispatcher.processQuery(client);
    const elapsedUs = monotonicUs() - startUs;
    this.garbageBytes = Deno.memoryUsage().heapUsed - heapBefore;
    client.reply.rewind(0);
    return elapsedUs;
  }
}
