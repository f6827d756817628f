/**
 * Sorted set suite: runs tests of sorted set and geo commands once per encoding, and compares rows
 * of command and reply. The replies in the rows are those of redis-server 7.0.15.
 */
import { assertEquals } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { encodingOf } from "../support/recorded_effects.ts";

/** A command, words parted by spaces, and its reply with a space for each line end. */
export type Row = readonly [command: string, reply: string];

const ENCODINGS: [encoding: string, directives: [string, string][]][] = [
  ["listpack", [["zset-max-listpack-entries", "1000"]]],
  ["skiplist", [["zset-max-listpack-entries", "0"]]],
];

/** Registers a test for each encoding of sorted sets. */
export function forEachEncoding(name: string, test: (server: EmbeddedServer) => void): void {
  for (const [encoding, directives] of ENCODINGS) {
    Deno.test(`${name} (${encoding})`, () => {
      using server = new EmbeddedServer(directives);
      server.run("ZADD", "probe", "1", "a");
      assertEquals(encodingOf(server, "probe"), encoding);
      server.run("ZREM", "probe", "a");
      test(server);
    });
  }
}

/** Runs the commands and compares the bytes of their replies. */
export function expectReplies(server: EmbeddedServer, rows: readonly Row[]): void {
  for (const [command, expected] of rows) {
    const reply = server.raw(...command.split(" "));
    assertEquals(reply.replaceAll("\r\n", " ").trimEnd(), expected, command);
  }
}

/** `expectReplies` after HELLO 3. */
export function repliesIn3(server: EmbeddedServer, rows: readonly Row[]): void {
  server.run("HELLO", "3");
  expectReplies(server, rows);
}
