/**
 * Streams as servers of five generations wrote them; and damaged ones, which must be refused or
 * be streams with which every command works.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { RdbFormatError } from "../../src/persistence/rdb_format.ts";
import { ArraySource, RdbInput } from "../../src/persistence/rdb_input.ts";
import { RdbValueReader } from "../../src/persistence/rdb_value_reader.ts";
import { encodingLimits } from "../../src/durability/value_limits.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";
import { latin1 } from "../support/text.ts";
import { NOBODYS_PAYLOAD, PRODUCERS, STREAM_PAYLOADS } from "./stream_payloads.ts";

const KEY = latin1("s");

/** Reads type and value into the key "s"; false if they are refused. */
function load(server: EmbeddedServer, payload: Uint8Array, isStrict: boolean): boolean {
  const { keyspace, config } = server.server;
  const source = new ArraySource(payload, 1, payload.length - 1);
  const input = new RdbInput("test", source, payload.length - 1, false);
  const reader = new RdbValueReader(input, keyspace, encodingLimits(config), isStrict);
  try {
    const entry = reader.read(payload[0], KEY, 0, 1, -1);
    if (entry !== 0) keyspace.databases[0].insertEntry(entry);
    return entry !== 0;
  } catch (error) {
    if (error instanceof RdbFormatError) return false;
    throw error;
  }
}

function refusal(payload: Uint8Array): string {
  using server = new EmbeddedServer();
  const { keyspace, config } = server.server;
  const source = new ArraySource(payload, 1, payload.length - 1);
  const input = new RdbInput("test", source, payload.length - 1, false);
  const reader = new RdbValueReader(input, keyspace, encodingLimits(config), true);
  const error = assertThrows(() => reader.read(payload[0], KEY, 0, 1, -1), RdbFormatError);
  assertEquals(keyspace.reclaimer.pendingCount, 0);
  return (error as RdbFormatError).reason;
}

for (const [type, hex] of Object.entries(STREAM_PAYLOADS)) {
  Deno.test(`type ${type} is read with entries, groups and pending entries`, () => {
    using server = new EmbeddedServer();
    assert(load(server, Uint8Array.fromHex(hex), true));
    assertEquals(server.run("XRANGE", "s", "-", "+"), [
      ["1-1", ["a", "1"]],
      ["2-5", ["b", "2"]],
      ["3-3", ["a", "1", "b", "2"]],
    ]);
    assertEquals(
      server.run("XPENDING", "s", "g"),
      ["2", "1-1", "2-5", [["alice", "1"], [
        "bob",
        "1",
      ]]].map((part) => part === "2" ? 2 : part),
    );
    const info = server.run("XINFO", "STREAM", "s") as unknown[];
    const counters = info.slice(8, 14);
    // Type 15 knows of no deleted entries.
    assertEquals(
      counters,
      type === "15"
        ? ["max-deleted-entry-id", "0-0", "entries-added", 3, "recorded-first-entry-id", "1-1"]
        : ["max-deleted-entry-id", "2-0", "entries-added", 4, "recorded-first-entry-id", "1-1"],
    );
    const full = server.run("XINFO", "STREAM", "s", "FULL") as unknown[];
    const pending = JSON.stringify(full);
    assertStringIncludes(pending, '["1-1","bob",1700000000000,7]');
    assertStringIncludes(pending, '["2-5","alice",1700000000001,1]');
  });
}

Deno.test("what is inconsistent is refused with a reason", () => {
  const hex = STREAM_PAYLOADS[19];
  const change = (from: string, to: string) => {
    assertStringIncludes(hex, from);
    return refusal(Uint8Array.fromHex(hex.replace(from, to)));
  };
  assertStringIncludes(change("ff0303030101", "ff0403030101"), "3 entries says that it has 4");
  assertStringIncludes(change("01100000", "010f0000"), "no id");
  assertStringIncludes(change("0003010101010181", "0003020101010181"), "damaged node");
  assertStringIncludes(change("0168020581", "0167020581"), "group twice");
  const owner = "01000000000000000100000000000000010168";
  assertStringIncludes(change(owner, "01000000000000000100000000000000020168"), "not its group's");
  assertStringIncludes(change(owner, "01000000000000000200000000000000050168"), "two consumers");
  assertStringIncludes(change(owner, "000168"), "no consumer");
});

Deno.test("pending entries of nobody become those of a consumer without a name", () => {
  using server = new EmbeddedServer();
  assert(load(server, Uint8Array.fromHex(NOBODYS_PAYLOAD), true));
  assertEquals(server.run("XPENDING", "s", "g"), [
    2,
    "1-1",
    "2-5",
    [["", "1"], ["alice", "1"]],
  ]);
  assertStringIncludes(
    JSON.stringify(server.run("XINFO", "STREAM", "s", "FULL")),
    '["1-1","",1700000000000,7]',
  );
  const claimed = server.run("XAUTOCLAIM", "s", "g", "bob", "0", "0", "COUNT", "1");
  assertEquals(claimed, ["2-5", [["1-1", ["a", "1"]]], []]);
  assertEquals(server.run("XACK", "s", "g", "1-1"), 1);
});

Deno.test("one who has no name keeps what is its own beside what is nobody's", () => {
  using server = new EmbeddedServer();
  const named = NOBODYS_PAYLOAD.replace("05616c696365", "00");
  assert(load(server, Uint8Array.fromHex(named), true));
  assertEquals(server.run("XPENDING", "s", "g"), [2, "1-1", "2-5", [["", "2"]]]);
});

Deno.test("what is wrong with what newer servers add to streams is refused", () => {
  const one = "00000000000000010000000000000001";
  const refused = (from: string, to: string) => {
    assertStringIncludes(NOBODYS_PAYLOAD, from);
    return refusal(Uint8Array.fromHex(NOBODYS_PAYLOAD.replace(from, to)));
  };
  const two = one.replace(/1$/, "2");
  assertStringIncludes(refused(`0001${one}`, `0001${two}`), "not its group's");
  assertStringIncludes(refused(`0001${one}`, `0002${one}${one}`), "two consumers");
  assertStringIncludes(refused(`0001${one}`, "0000"), "no consumer");
  const many = "80ffffffff";
  assertStringIncludes(refused(`0001${one}`, `00${many}`), "more than the file holds");
  const producers = (to: string) => refused(PRODUCERS, to);
  assertStringIncludes(producers(`40644064${many}`), "more than the file holds");
  assertStringIncludes(producers(`4064406401027031${many}`), "more than the file holds");
  assertStringIncludes(producers(PRODUCERS.replace("0161", "7f61")), "more than the file holds");
  for (let length = 0; length < PRODUCERS.length; length += 2) {
    assertMatch(producers(PRODUCERS.slice(0, length)), /EOF|more than the file holds/);
  }
});

Deno.test("a file that has lost count of its entries is loaded, and set right", () => {
  const hex = STREAM_PAYLOADS[19].replace("ff0303030101", "ff0903030101");
  using server = new EmbeddedServer();
  assert(!load(server, Uint8Array.fromHex(hex), true));
  assert(load(server, Uint8Array.fromHex(hex), false));
  assertEquals(server.run("XLEN", "s"), 3);
});

const PAYLOADS = [...Object.values(STREAM_PAYLOADS), NOBODYS_PAYLOAD];

const COMMANDS = [
  "XINFO STREAM s FULL COUNT 0",
  "XRANGE s - +",
  "XREVRANGE s + - COUNT 5",
  "XPENDING s g - + 100",
  "XREADGROUP GROUP g alice STREAMS s 0",
  "XREADGROUP GROUP g alice COUNT 2 STREAMS s >",
  "XAUTOCLAIM s g bob 0 0",
  "XCLAIM s g carol 0 1-1 2-5 FORCE",
  "XACK s g 2-5",
  "DUMP s",
  "DEBUG DIGEST-VALUE s",
  "MEMORY USAGE s SAMPLES 0",
  "COPY s t REPLACE",
  "XADD s 18446744073709551615-5 a 9",
  "XDEL s 1-1 3-3",
  "XTRIM s MINID 2-6",
  "XTRIM s MAXLEN 1",
  "XGROUP DELCONSUMER s g alice",
  "XGROUP DESTROY s g",
  "DEL s t",
].map((command) => command.split(" "));

for (const isStrict of [true, false]) {
  const random = new SeededRandom(testSeed());
  const name = isStrict ? "payloads" : "files";
  Deno.test(`2000 damaged ${name} are refused or work, seed ${random.seed}`, () => {
    using server = new EmbeddedServer([["enable-debug-command", "yes"]]);
    const { keyspace } = server.server;
    let accepted = 0;
    const before = keyspace.arena.usedBytes;
    for (let round = 0; round < 2000; round++) {
      const payload = Uint8Array.fromHex(random.pick(PAYLOADS));
      for (let i = random.between(1, 3); i > 0; i--) {
        const at = random.between(1, payload.length - 1);
        payload[at] = random.oneIn(2) ? payload[at] ^ (1 << random.below(8)) : random.below(256);
      }
      const end = random.oneIn(10) ? random.below(payload.length) : payload.length;
      if (load(server, payload.subarray(0, Math.max(1, end)), isStrict)) {
        accepted++;
        for (const command of COMMANDS) server.run(...command);
      }
      server.reclaim();
      assertEquals(keyspace.arena.usedBytes, before, `round ${round}`);
    }
    assert(accepted > 100 && accepted < 1900, `${accepted} accepted`);
  });
}
