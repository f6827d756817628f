/** Replication state: ids and offsets of a history. */
import { assertEquals, assertNotEquals } from "@std/assert";
import { ReplicationState } from "../../src/replication/replication_state.ts";

Deno.test("a history is shared by its id at any offset, whatever the case of its letters", () => {
  const state = new ReplicationState();
  assertEquals(state.replicationId.length, 40);
  assertEquals(state.sharesHistory(state.replicationId.toUpperCase(), 1e12), true);
  assertEquals(state.sharesHistory("0".repeat(40), 0), false);
  assertEquals(state.sharesHistory("?", -1), false);
});

Deno.test("a second id is good up to the byte behind which the histories part", () => {
  const state = new ReplicationState();
  const former = state.replicationId;
  state.offset = 100;
  state.shiftId();
  assertNotEquals(state.replicationId, former);
  assertEquals([state.secondId, state.secondOffset], [former, 101]);
  state.offset = 200;
  assertEquals(state.sharesHistory(former, 101), true);
  assertEquals(state.sharesHistory(former, 102), false);
  state.clearSecondId();
  assertEquals([state.secondId, state.secondOffset], ["0".repeat(40), -1]);
  assertEquals(state.sharesHistory(former, 101), false);
});

Deno.test("who wants to know is told of each change of the role, behind it", () => {
  const state = new ReplicationState();
  const told: boolean[] = [];
  state.onRoleChange(() => told.push(state.isReplica));
  for (const role of ["master", "replica", "replica", "master"] as const) state.role = role;
  assertEquals(told, [true, false]);
});
