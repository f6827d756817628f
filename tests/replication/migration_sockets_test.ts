/** Sockets of MIGRATE: which are kept, and which are given up. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { type MigrationSocket, MigrationSockets } from "../../src/replication/migration_sockets.ts";
import { RecordingIo } from "../support/recording_io.ts";

/** A socket that is had at once. */
function socketOf(
  sockets: MigrationSockets,
  ...where: Parameters<MigrationSockets["open"]>
): MigrationSocket {
  const socket = sockets.open(...where);
  assert(typeof socket === "object");
  return socket;
}

Deno.test("a server is connected to once, and again when its socket has failed", () => {
  const io = new RecordingIo();
  const sockets = new MigrationSockets(io);
  const first = socketOf(sockets, "a", 1, 100, 0);
  assertEquals(sockets.open("a", 1, 100, 0), first);
  assertNotEquals(sockets.open("a", 2, 100, 0), first);
  assertEquals([sockets.count, io.connects], [2, ["a:1", "a:2"]]);
  io.answer = {
    end: "read failed",
    isTimeout: false,
    acknowledged: new Uint8Array(),
    firstError: "",
  };
  sockets.exchange(first, [], 1, 100);
  assertEquals(sockets.count, 1);
  assertNotEquals(socketOf(sockets, "a", 1, 100, 0).id, first.id);
  assertEquals(io.connects.length, 3);
});

Deno.test("a server that cannot be reached leaves no socket", () => {
  const io = new RecordingIo();
  io.connectOutcome = "refused";
  const sockets = new MigrationSockets(io);
  assertEquals([sockets.open("a", 1, 100, 0), sockets.count], ["refused", 0]);
});

Deno.test("a socket that nobody has used for ten seconds is closed; the last one stops it all", () => {
  const io = new RecordingIo();
  const sockets = new MigrationSockets(io);
  const old = socketOf(sockets, "old", 1, 100, 1000);
  sockets.open("new", 1, 100, 5000);
  sockets.closeIdle(11_000);
  assertEquals(sockets.count, 2);
  sockets.closeIdle(11_001);
  assertEquals([sockets.count, io.closed, io.stopCount], [1, [old.id], 0]);
  sockets.closeIdle(15_001);
  assertEquals([sockets.count, io.stopCount], [0, 1]);
});

Deno.test("there are 64 sockets at most, and the one unused longest makes room", () => {
  const io = new RecordingIo();
  const sockets = new MigrationSockets(io);
  const opened = Array.from({ length: 64 }, (_, port) => socketOf(sockets, "a", port, 100, 0));
  sockets.open("a", 0, 100, 0);
  sockets.open("b", 1, 100, 0);
  assertEquals([sockets.count, io.closed], [64, [opened[1].id]]);
});
