/** Key positions, through COMMAND GETKEYSANDFLAGS; the expected flags are redis-server's. */
import { assert, assertEquals } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { RespError } from "../support/resp_reply.ts";
import { SeededRandom } from "../support/seeded_random.ts";

const CASES: readonly (readonly [command: string, keys: string])[] = [
  ["GET k", "k:RO access"],
  ["MSET a 1 b 2 c", "a:OW update|b:OW update|c:OW update"],
  ["MSETNX a 1 b 2", "a:OW insert|b:OW insert"],
  ["SET k v", "k:OW update"],
  ["SET k v EX 5 get", "k:RW access update"],
  ["BITFIELD k GET u8 0 GET u8 8", "k:RO access"],
  ["BITFIELD k GET u8 0 SET u8 0 1", "k:RW access update"],
  ["ZUNIONSTORE d 2 a b", "d:OW update|a:RO access|b:RO access"],
  ["ZUNIONSTORE d 1.5 a b", "a:|d:"],
  ["LMPOP 2 a b LEFT", "a:RW access delete|b:RW access delete"],
  ["BLMPOP 0 1 k LEFT", "k:RW access delete"],
  ["SORT k", "k:RO access"],
  ["SORT k BY w_* STORE d", "k:RO access|d:OW update"],
  ["GEORADIUS k 1 1 1 m", "k:RO access"],
  ["GEORADIUS k 1 1 1 m STOREDIST d STORE e", "k:RO access|e:OW update|d:OW update"],
  ["OBJECT ENCODING k", "k:RO"],
  ["MEMORY USAGE k", "k:RO"],
  ["EVAL script 2 a b c", "a:RW access update|b:RW access update"],
  ["EVAL script 0 c", ""],
];

Deno.test("keys and their flags are found in every kind of command", () => {
  using server = new EmbeddedServer();
  for (const [command, expected] of CASES) {
    const reply = server.run("COMMAND", "GETKEYSANDFLAGS", ...command.split(" "));
    const found = (reply as [string, string[]][]).map(([key, flags]) =>
      `${key}:${flags.join(" ")}`
    );
    assertEquals(found.join("|"), expected, command);
  }
});

Deno.test("malformed commands have no keys", () => {
  using server = new EmbeddedServer();
  const cases = [
    ["LMPOP 3 k LEFT", "ERR Invalid arguments specified for command"],
    ["SINTERCARD 0 k", "ERR Invalid arguments specified for command"],
    ["GET a b", "ERR Invalid number of arguments specified for command"],
    ["ECHO a", "ERR The command has no key arguments"],
    ["CONFIG GET a", "ERR The command has no key arguments"],
    ["NOSUCH a", "ERR Invalid command specified"],
  ];
  for (const [command, message] of cases) {
    const reply = server.run("COMMAND", "GETKEYS", ...command.split(" "));
    assertEquals((reply as RespError).message, message, command);
  }
});

/** Words that are options, numbers and keys alike, so that a finder may take one for another. */
const FINDER_WORDS: Readonly<Record<string, { head: string[]; words: string[] }>> = {
  SORT: {
    head: ["list"],
    words: "BY GET STORE LIMIT ASC DESC ALPHA 0 1 by get store limit # d1 d2".split(" "),
  },
  GEORADIUS: {
    head: ["geo", "13", "38", "200", "km"],
    words: "STORE STOREDIST COUNT ANY ASC 1 2 store storedist count d1 d2".split(" "),
  },
  GEORADIUSBYMEMBER: {
    head: ["geo", "Palermo", "200", "km"],
    words: "STORE STOREDIST COUNT ANY ASC 1 2 store storedist count d1 d2".split(" "),
  },
  ZUNIONSTORE: {
    head: [],
    words: "d1 1 2 zset geo WEIGHTS AGGREGATE SUM weights 0 -1 +1".split(" "),
  },
};

Deno.test("every key that a command has written is among those that its finder names", () => {
  const random = new SeededRandom(20261128);
  let storeCount = 0;
  for (const [name, { head, words }] of Object.entries(FINDER_WORDS)) {
    using server = new EmbeddedServer();
    const names = new Set<string>();
    for (let round = 0; round < 800; round++) {
      server.run("FLUSHALL");
      server.run("RPUSH", "list", "2", "1");
      server.run("GEOADD", "geo", "13.36", "38.11", "Palermo");
      server.run("ZADD", "zset", "1", "a");
      const length = 1 + random.below(7);
      const tail = Array.from({ length }, () => words[random.below(words.length)]);
      const request = [name, ...head, ...tail];
      if (server.run(...request) instanceof RespError) continue;
      const written = (server.run("KEYS", "*") as string[])
        .filter((key) => !["list", "geo", "zset"].includes(key));
      if (written.length === 0) continue;
      storeCount++;
      const found = server.run("COMMAND", "GETKEYS", ...request) as string[];
      for (const key of written) {
        assert(found.includes(key), `${request.join(" ")} wrote ${key}, found ${found}`);
        names.add(key);
      }
    }
    assert(names.size > 0, name);
  }
  assert(storeCount > 50);
});
