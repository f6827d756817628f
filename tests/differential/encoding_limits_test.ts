/**
 * Encodings around every limit: values are filled up to one below, at and one above each `*-max-*`
 * directive, by size of element and by number of elements, in one request or one by one, and
 * emptied again; OBJECT ENCODING must say the same at both servers all the way.
 */

import type { Argument } from "../support/resp_client.ts";
import { testWith } from "../support/tool_availability.ts";
import { Both } from "./both.ts";

/** How a type is filled: the request's head, and the arguments of element `index`. */
interface Filling {
  create: string;
  remove: string;
  element: (index: number, text: string) => Argument[];
  /** The part of an element that removes it. */
  name: (index: number, text: string) => Argument;
}

const FILLINGS: Readonly<Record<string, Filling>> = {
  "hash of fields": {
    create: "HSET",
    remove: "HDEL",
    element: (index, text) => [text + index, index],
    name: (index, text) => text + index,
  },
  "hash of values": {
    create: "HSET",
    remove: "HDEL",
    element: (index, text) => [index, text + index],
    name: (index) => index,
  },
  "sorted set": {
    create: "ZADD",
    remove: "ZREM",
    element: (index, text) => [index, text + index],
    name: (index, text) => text + index,
  },
  "set of integers": {
    create: "SADD",
    remove: "SREM",
    element: (index) => [index],
    name: (index) => index,
  },
  "set of words": {
    create: "SADD",
    remove: "SREM",
    element: (index, text) => [text + index],
    name: (index, text) => text + index,
  },
  list: {
    create: "RPUSH",
    remove: "LREM",
    element: (index, text) => [text + index],
    name: (index, text) => text + index,
  },
};

const ENTRY_LIMITS = [0, 1, 5, 128, 512];
const BYTE_LIMITS = [0, 1, 8, 64, 300];

async function sameWhileFilling(both: Both, filling: Filling, count: number, text: string) {
  const { create, remove, element, name } = filling;
  const indexes = Array.from({ length: count }, (_, index) => index);
  await both.same("DEL", "at once", "one by one");
  if (count > 0) await both.same(create, "at once", ...indexes.flatMap((at) => element(at, text)));
  await both.same("OBJECT", "ENCODING", "at once");
  for (const at of indexes.slice(0, -3)) {
    await both.send(create, "one by one", ...element(at, text));
  }
  for (const _ of indexes.slice(0, -3)) await both.sameReceived(create);
  for (const at of indexes.slice(-3)) {
    await both.same(create, "one by one", ...element(at, text));
    await both.same("OBJECT", "ENCODING", "one by one");
  }
  for (const at of indexes.slice(-3)) {
    const count = remove === "LREM" ? ["1"] : [];
    await both.same(remove, "one by one", ...count, name(at, text));
    await both.same("OBJECT", "ENCODING", "one by one");
  }
}

testWith(["redis-server"], "encodings around each limit of the number of elements", async () => {
  await using both = await Both.start();
  for (const limit of ENTRY_LIMITS) {
    for (const directive of ["hash-max-listpack-entries", "zset-max-listpack-entries"]) {
      await both.same("CONFIG", "SET", directive, limit);
    }
    await both.same("CONFIG", "SET", "set-max-intset-entries", limit);
    await both.same("CONFIG", "SET", "list-max-listpack-size", Math.max(1, limit));
    for (const filling of Object.values(FILLINGS)) {
      for (const count of [limit - 1, limit, limit + 1].filter((count) => count >= 0)) {
        await sameWhileFilling(both, filling, count, "m");
      }
    }
  }
  await both.sameDataset();
});

testWith(["redis-server"], "encodings around each limit of the size of an element", async () => {
  await using both = await Both.start();
  for (const limit of BYTE_LIMITS) {
    for (const directive of ["hash-max-listpack-value", "zset-max-listpack-value"]) {
      await both.same("CONFIG", "SET", directive, limit);
    }
    for (const filling of Object.values(FILLINGS)) {
      // The element's number is its last digit.
      for (const bytes of [limit - 1, limit, limit + 1].filter((bytes) => bytes > 0)) {
        await sameWhileFilling(both, filling, 4, "t".repeat(bytes - 1));
      }
    }
  }
  await both.sameDataset();
});

testWith(["redis-server"], "encodings of strings by length and by value", async () => {
  await using both = await Both.start();
  const values: string[] = ["", "0", "-0", "00", "+1", " 1", "1 ", "1.0", "1e3"];
  for (const edge of [9999n, 10000n, 2n ** 31n, 2n ** 53n, 2n ** 63n]) {
    for (const value of [edge - 1n, edge, edge + 1n]) values.push(String(value), String(-value));
  }
  for (const length of [43, 44, 45]) values.push("s".repeat(length), "1".repeat(length));
  for (const value of values) {
    await both.same("SET", "k", value);
    await both.same("OBJECT", "ENCODING", "k");
    await both.same("SETRANGE", "k", 0, "");
    await both.same("OBJECT", "ENCODING", "k");
    await both.same("APPEND", "k", "");
    await both.same("OBJECT", "ENCODING", "k");
    await both.same("COPY", "k", "l", "REPLACE");
    await both.same("OBJECT", "ENCODING", "l");
    await both.same("GETSET", "l", value);
    await both.same("INCRBYFLOAT", "l", "1");
    await both.same("OBJECT", "ENCODING", "l");
    await both.same("GETDEL", "l");
  }
});

testWith(
  ["redis-server"],
  "sets leave intset by a word, a number too many, or a store",
  async () => {
    await using both = await Both.start();
    const numbers = Array.from({ length: 512 }, (_, index) => String(index - 256));
    await both.same("SADD", "full", ...numbers);
    await both.same("SADD", "full", "-1");
    await both.same("OBJECT", "ENCODING", "full");
    await both.same("SADD", "other", "a", "1", "2");
    for (const command of ["SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE"]) {
      await both.same(command, "stored", "full", "other");
      await both.same("OBJECT", "ENCODING", "stored");
    }
    for (const odd of ["9223372036854775807", "9223372036854775808", "01", "", "-0"]) {
      await both.same("SADD", odd, odd);
      await both.same("OBJECT", "ENCODING", odd);
    }
    await both.same("SMOVE", "other", "full", "a");
    await both.same("OBJECT", "ENCODING", "full");
    await both.sameDataset();
  },
);
