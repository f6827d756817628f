/** The queue of streams to be packed: who gets into it, once, and in what order they leave. */
import { assertEquals } from "@std/assert";
import { latin1Text } from "../../src/base/bytes.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";

const SMALL_NODES = [["stream-node-max-entries", "2"]] as const;

function taken({ server }: EmbeddedServer): string[] {
  const names: string[] = [];
  for (;;) {
    const next = server.keyspace.streams.take();
    if (next === null) return names;
    names.push(`${next.database}:${latin1Text(next.key, 0, next.key.length)}`);
  }
}

Deno.test("a stream is noted once when it has got more nodes than are kept", () => {
  using server = new EmbeddedServer(SMALL_NODES);
  const { streams } = server.server.keyspace;
  for (let i = 0; i < 4; i++) server.run("XADD", "b", "*", "f", "v");
  assertEquals(streams.size, 0);
  server.run("XADD", "b", "*", "f", "v");
  assertEquals(streams.size, 1);
  server.run("SELECT", "3");
  for (const key of ["b", "a"]) {
    for (let i = 0; i < 12; i++) server.run("XADD", key, "*", "f", "v");
  }
  assertEquals(taken(server), ["0:b", "3:b", "3:a"]);
  assertEquals(streams.size, 0);
  // With its next node, not with its next entry.
  server.run("XADD", "a", "*", "f", "v");
  assertEquals(taken(server), ["3:a"]);
  server.run("XADD", "a", "*", "f", "v");
  assertEquals(taken(server), []);
});

Deno.test("a stream that comes as a whole is noted, and nothing else is", () => {
  using server = new EmbeddedServer(SMALL_NODES);
  const payloads: [string, unknown][] = [];
  const fill = (key: string, count: number) => {
    for (let i = 0; i < count; i++) server.run("XADD", key, "*", "f", "v");
  };
  fill("long", 9);
  fill("short", 4);
  server.run("RPUSH", "list", "a");
  taken(server);
  for (const key of ["long", "short", "list"]) {
    server.client.send("DUMP", key);
    const raw = server.client.takeBytes();
    payloads.push([key, raw.slice(raw.indexOf(10) + 1, raw.length - 2)]);
  }
  for (const [key, payload] of payloads) {
    server.run("RESTORE", `${key}:2`, "0", payload as Uint8Array);
  }
  assertEquals(taken(server), ["0:long:2"]);
});

Deno.test("no more than ten thousand wait", () => {
  using server = new EmbeddedServer([["stream-node-max-entries", "1"]]);
  const { streams } = server.server.keyspace;
  for (let key = 0; key < 10_050; key++) {
    for (let i = 0; i < 3; i++) server.run("XADD", `k${key}`, "*", "f", "v");
  }
  assertEquals(streams.size, 10_000);
  assertEquals(taken(server).length, 10_000);
  server.run("XADD", "k10049", "*", "f", "v");
  assertEquals(taken(server), ["0:k10049"]);
});
