/** Value release: values of every type and encoding are freed in steps of bounded size. */
import { assert, assertEquals } from "@std/assert";
import { Argv } from "../../src/protocol/argv.ts";
import * as value from "../../src/values/value.ts";
import { valueKinds } from "../../src/values/value_kinds.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";

interface Case {
  name: string;
  /** The commands that make the value under "key". */
  commands: string[][];
  encoding: string;
  /** Whether each element has a block of its own. */
  isLarge: boolean;
}

const COUNT = 1000;
const numbers = Array.from({ length: COUNT }, (_, index) => String(index));
const words = numbers.map((number) => `element:${number.padStart(60, "0")}`);

const CASES: readonly Case[] = [
  {
    name: "string",
    commands: [["SET", "key", "x".repeat(500_000)]],
    encoding: "raw",
    isLarge: false,
  },
  { name: "list", commands: [["RPUSH", "key", ...words]], encoding: "quicklist", isLarge: false },
  { name: "intset", commands: [["SADD", "key", "1", "2"]], encoding: "intset", isLarge: false },
  { name: "set", commands: [["SADD", "key", ...words]], encoding: "hashtable", isLarge: true },
  {
    name: "small hash",
    commands: [["HSET", "key", "a", "b"]],
    encoding: "listpack",
    isLarge: false,
  },
  {
    name: "hash",
    commands: [["HSET", "key", ...words.flatMap((word) => [word, word])]],
    encoding: "hashtable",
    isLarge: true,
  },
  {
    name: "small sorted set",
    commands: [["ZADD", "key", "1", "a"]],
    encoding: "listpack",
    isLarge: false,
  },
  {
    name: "sorted set",
    commands: [["ZADD", "key", ...words.flatMap((word, index) => [String(index), word])]],
    encoding: "skiplist",
    isLarge: true,
  },
];

for (const { name, commands, encoding: encodingName, isLarge } of CASES) {
  Deno.test(`a ${name} is freed in steps, to the last block`, () => {
    using server = new EmbeddedServer();
    const { arena, keyspace } = server.server;
    server.run("SET", "key", "x");
    server.run("DEL", "key");
    const before = arena.usedBytes;
    for (const command of commands) server.run(...command);
    assertEquals(server.run("OBJECT", "ENCODING", "key"), encodingName);
    const entry = keyspace.databases[0].detach(Argv.of("DEL", "key"), 1);
    const type = value.typeOf(arena, entry);
    const encoding = value.encodingOf(arena, entry);
    const ref = value.valueRef(arena, entry);
    const blocks = valueKinds[type].blockCount(arena, encoding, ref);
    if (isLarge) assert(blocks >= COUNT, `${blocks} blocks`);
    else assert(blocks < 200, `${blocks} blocks`);
    let steps = 1;
    for (; !valueKinds[type].releaseStep(arena, encoding, ref, 50); steps++) assert(steps < 1000);
    if (isLarge) assert(steps >= COUNT / 50, `${steps} steps`);
    arena.free(entry);
    assertEquals(arena.usedBytes, before);
  });
}
