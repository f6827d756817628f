/**
 * Read ahead: lets the memory accesses of a pipeline's commands overlap.
 *
 * In a large keyspace most of a simple command's time is spent waiting for two cache lines: the
 * key's bucket and its entry. Of the commands of a pipeline all keys are in the query buffer
 * already, so their places are touched together, before the first command runs; the waits overlap
 * (the idea is that of Valkey 8 and of database joins). A wrong guess costs a few nanoseconds. The
 * hashes that are computed for this are left to the commands (`recall`).
 *
 * ZPOPMINs to one large sorted set wait in the same way for the members that they take out, and for
 * their places in its dict: with these touched they take 1,430 ns instead of 1,540 (set, zadd and
 * zpopmin of scripts/bench/micro/command_bench.ts with as many members as redis-benchmark makes).
 */
import { equalBytes } from "../base/bytes.ts";
import { hashBytes } from "../base/hash.ts";
import type { Database } from "../keyspace/database.ts";
import type { Argv } from "../protocol/argv.ts";
import type { QueryBuffer } from "../protocol/query_buffer.ts";
import { RequestScan, SCAN_REQUESTS_MAX } from "../protocol/request_scan.ts";
import * as dict from "../structures/dict.ts";
import { DictTouch, TOUCH_BUCKETS_MIN } from "../structures/dict_touch.ts";
import type { Client } from "../session/client.ts";
import * as largeSortedSet from "../values/sorted_set_large.ts";
import * as value from "../values/value.ts";

/** Fewer bytes than this in the query buffer are no pipeline. */
const PIPELINE_BYTES_MIN = 64;

export class ReadAhead {
  readonly #scan = new RequestScan();
  readonly #touch = new DictTouch();
  /** Of each request that was seen the hash of its key. */
  readonly #hashes = new Int32Array(SCAN_REQUESTS_MAX);
  /** Whose keys have been touched last, and the first of them that no command has asked for. */
  #query: QueryBuffer | null = null;
  #next = 0;

  /** What the touched memory held. */
  get seen(): number {
    return this.#touch.seen;
  }

  /** Touches what the next commands of the client need; returns for how many, 0 if none. */
  run({ query, db }: Client): number {
    this.#query = null;
    if (query.end - query.position < PIPELINE_BYTES_MIN) return 0;
    const { arena, keys } = db;
    if (dict.bucketCount(arena, keys) < TOUCH_BUCKETS_MIN) return 0;
    const scan = this.#scan;
    const requests = scan.run(query);
    const { count } = scan;
    if (count < 2) return requests;
    this.#hashKeys(query.bytes);
    let distinct = 0;
    for (let index = 0; index < count; index++) {
      if (index > 0 && this.#hashes[index] === this.#hashes[index - 1]) continue;
      this.#touch.dicts[distinct] = keys;
      this.#touch.hashes[distinct++] = this.#hashes[index];
    }
    // All commands to one key: it is in the cache.
    if (distinct > 1) this.#touch.run(arena, distinct);
    else if (scan.argumentsMax === 2) this.#touchFirst(db, query.bytes);
    this.#query = query;
    this.#next = 0;
    return requests;
  }

  /** Leaves the hash of its key in the arguments of a request, if it was touched. */
  recall(query: QueryBuffer, argv: Argv): void {
    if (query !== this.#query || argv.count < 2) return;
    const { starts, lengths, count } = this.#scan;
    const next = this.#next;
    if (next === count || argv.starts[1] !== starts[next] || argv.lengths[1] !== lengths[next]) {
      return;
    }
    argv.hash = this.#hashes[next];
    argv.hashedIndex = 1;
    this.#next = next + 1;
  }

  /** From a sorted set, commands without further arguments take what stands first. */
  #touchFirst({ arena, keys }: Database, bytes: Uint8Array): void {
    const { starts, lengths, count } = this.#scan;
    const entry = dict.findHashed(arena, keys, this.#hashes[0], bytes, starts[0], lengths[0]);
    if (entry === 0 || value.encodingOf(arena, entry) !== value.ENCODING_SKIPLIST) return;
    largeSortedSet.touchFirst(arena, value.valueRef(arena, entry), count, this.#touch);
  }

  /**
   * A key that is that of the request before is not hashed again: RPUSHs to one list take 407 ns
   * instead of 436 (rpush of scripts/bench/micro/command_bench.ts, many keys beside the list).
   */
  #hashKeys(bytes: Uint8Array): void {
    const { starts, lengths, count } = this.#scan;
    for (let index = 0; index < count; index++) {
      const start = starts[index];
      const length = lengths[index];
      const isRepeated = index > 0 && length === lengths[index - 1] &&
        equalBytes(bytes, start, bytes, starts[index - 1], length);
      this.#hashes[index] = isRepeated ? this.#hashes[index - 1] : hashBytes(bytes, start, length);
    }
  }
}
