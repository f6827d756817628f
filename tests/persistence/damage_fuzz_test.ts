/** Payloads and files with damage: refused, or sound for good. */
import { assert, assertEquals } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { testSeed } from "../support/seeded_random.ts";
import { printLine } from "../support/text.ts";
import { assertSurvives, fuzzFiles, fuzzPayloads, grow, unsigned } from "./damage_fuzz.ts";
import { soundPayloads, spoiledPayloads } from "./payload_builder.ts";

const SEED = Number(Deno.env.get("REDENO_FUZZ_SEED") ?? testSeed());

function restoringServer(): EmbeddedServer {
  const server = new EmbeddedServer([["enable-debug-command", "yes"]]);
  assertEquals(server.run("DEBUG", "SET-SKIP-CHECKSUM-VALIDATION", "1"), "OK");
  return server;
}

Deno.test("sound payloads of all forms are taken, grow, and survive a save and a load", () => {
  using server = restoringServer();
  for (const { name, body } of soundPayloads()) {
    assertEquals(server.raw("RESTORE", name, "0", unsigned(body)), "+OK\r\n", name);
    grow(server, name);
  }
  assertSurvives(server, "sound payloads");
});

Deno.test("each mistake in each form of a payload is refused", () => {
  using server = restoringServer();
  for (const { name, body } of spoiledPayloads()) {
    const reply = server.raw("RESTORE", name, "0", unsigned(body));
    assertEquals(reply, "-ERR Bad data format\r\n", name);
  }
  assertEquals(server.run("DBSIZE"), 0);
});

Deno.test("payloads with random damage are refused, or sound", () => {
  printLine(`seed ${SEED}`);
  const { refused, accepted } = fuzzPayloads(SEED, 3);
  assert(refused > 0 && accepted > 0, `${refused} refused, ${accepted} accepted`);
});

Deno.test("files with random damage are refused, or sound", () => {
  printLine(`seed ${SEED}`);
  const { refused, accepted } = fuzzFiles(SEED, 40);
  assert(refused > 0 && accepted > 0, `${refused} refused, ${accepted} accepted`);
});
