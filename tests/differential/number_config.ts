/**
 * Extreme numbers in CONFIG SET: whatever is accepted must leave a server that works: each value is
 * followed by some work with every type, a turn of housekeeping and a dump.
 */
import { configTable } from "../../src/config/config_table.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import type { Argument } from "../support/resp_client.ts";
import { RespError } from "../support/resp_reply.ts";
import { EXTREME_NUMBERS, KEY_STATES } from "./number_requests.ts";

/** What opens sockets or files, or shuts this client out. */
const LEFT_OUT = /^(bind|port|tls-|unixsocket|dir|logfile|appendonly|requirepass|save$)/;
/** Beside the extremes, what is a word or a unit in some parameter. */
const FURTHER_NUMBERS = ["2", "100", "65536", "1024gb", "-5", "100%", "0 0 0", "normal 0 0 0"];

/** The names of all parameters that CONFIG SET may change here. */
export function changeableParameters(): string[] {
  return configTable.filter(({ name, flags }) =>
    !flags.includes("immutable") && !LEFT_OUT.test(name)
  ).map(({ name }) => name);
}

/**
 * Sets each parameter to each number and back. Returns how many were accepted; throws if one is
 * fatal.
 */
export function tryConfigNumbers(names: readonly string[]): number {
  let acceptedCount = 0;
  using server = new EmbeddedServer();
  for (const name of names) {
    const [, usual] = server.run("CONFIG", "GET", name) as string[];
    for (const number of [...EXTREME_NUMBERS, ...FURTHER_NUMBERS]) {
      try {
        if (server.run("CONFIG", "SET", name, number) instanceof RespError) continue;
        acceptedCount++;
        work(server);
        for (let tries = 0; server.run("CONFIG", "SET", name, usual) !== "OK"; tries++) {
          if (tries === 3) throw new Error("cannot be set back");
        }
      } catch (error) {
        throw new Error(`CONFIG SET ${name} "${number}" ends the server`, { cause: error });
      }
    }
  }
  return acceptedCount;
}

function work(server: EmbeddedServer): void {
  for (const state of WORKED_ON) {
    for (const request of KEY_STATES[state]("k")) server.client.send(...request);
    for (const request of WORK) server.client.send(...request);
    server.client.takeBytes();
  }
  server.server.runCron();
}

const WORKED_ON = ["int", "hll", "large list", "intset", "small hash", "large zset"];
const WORK: Argument[][] = [
  ["RPUSH", "k", "x".repeat(5000), "1", "2"],
  ["LINSERT", "k", "BEFORE", "1", "y"],
  ["LTRIM", "k", "1", "-2"],
  ["HSET", "k", "field", "v".repeat(70), "f2", "1"],
  ["SADD", "k", "1", "2", "three"],
  ["ZADD", "k", "1", "a", "2", "b".repeat(70)],
  ["PFADD", "k", "a", "b", "c"],
  ["APPEND", "k", "more"],
  ["OBJECT", "FREQ", "k"],
  ["OBJECT", "IDLETIME", "k"],
  ["PEXPIRE", "k", "100000"],
  ["COPY", "k", "k2", "REPLACE"],
  ["DUMP", "k"],
  ["MEMORY", "USAGE", "k"],
  ["DEL", "k", "k2"],
];
