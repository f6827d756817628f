/**
 * Tests of commands that depend on the time: an embedded server under a clock that moves only when
 * told to, and commands as one would type them with the bytes of their replies.
 */
import { assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { EmbeddedServer } from "./embedded_server.ts";

/** The time at which each of these tests begins. */
export const START_MS = 1_700_000_000_000;

/** Declares a test with a clock that moves only when told to. */
export function timed(name: string, test: (server: EmbeddedServer) => void): void {
  Deno.test(name, () => {
    clock.setTimeForTests(START_MS);
    try {
      using server = new EmbeddedServer();
      test(server);
    } finally {
      clock.useRealTime();
    }
  });
}

/** Runs commands one after the other; their words have no spaces. */
export function expectReplies(server: EmbeddedServer, rows: [string, string][]): void {
  for (const [command, expected] of rows) {
    assertEquals(server.raw(...command.split(" ")), expected, command);
  }
}
