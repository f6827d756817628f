/**
 * Dataset digest: 20 bytes that are equal for equal data, whatever the order of the keys or the
 * encodings (DEBUG DIGEST, DEBUG DIGEST-VALUE). They are those of redis-server 7.0, and 8.2 where
 * fields of hashes expire, so that the data sets of both servers can be compared.
 *
 * Two operations on a digest of 20 bytes, with SHA-1 as hash:
 *
 *   xor(digest, bytes)   digest ^= hash(bytes): for elements in any order
 *   mix(digest, bytes)   digest = hash(digest ^ hash(bytes)): for elements in order
 */
import { latin1Bytes, Slice } from "../base/bytes.ts";
import { Sha1, SHA1_BYTES } from "../base/sha1.ts";
import { formatDouble17 } from "../base/doubles.ts";
import { scratch } from "../base/scratch.ts";
import type { Ref } from "../memory/memory.ts";
import * as dict from "../structures/dict.ts";
import * as dictEntry from "../structures/dict_entry.ts";
import * as hashValue from "../values/hash_value.ts";
import * as listValue from "../values/list_value.ts";
import * as setValue from "../values/set_value.ts";
import * as sortedSetValue from "../values/sorted_set_value.ts";
import { idText, MAX_ID, MIN_ID } from "../values/stream_id.ts";
import { StreamCursor } from "../values/stream_value.ts";
import * as stringValue from "../values/string_value.ts";
import * as value from "../values/value.ts";
import type { Database } from "./database.ts";
import type { Keyspace } from "./keyspace.ts";

const sha1 = new Sha1();
const hash = new Uint8Array(SHA1_BYTES);
const numberBytes = new Uint8Array(4);
const pair = new Uint8Array(SHA1_BYTES);
const key = scratch(new Slice());
const EXPIRE_MARK = latin1Bytes("!!expire!!");
const FIELD_EXPIRE_MARK = latin1Bytes("!!hexpire!!");

/** The digest of all databases. O(data). */
export function datasetDigest(keyspace: Keyspace): Uint8Array {
  const total = new Uint8Array(SHA1_BYTES);
  for (const db of keyspace.databases) {
    if (db.size === 0) continue;
    mixNumber(total, db.index);
    dict.forEach(db.arena, db.keys, (entry) => {
      const digest = new Uint8Array(SHA1_BYTES);
      dictEntry.readKey(db.arena, entry, key);
      mix(digest, key.bytes, key.start, key.length);
      addEntry(db, entry, digest);
      xor(total, digest, 0, SHA1_BYTES);
    });
  }
  return total;
}

/** The digest of one value with its expiry; not of its key. */
export function valueDigest(db: Database, entry: Ref): Uint8Array {
  const digest = new Uint8Array(SHA1_BYTES);
  addEntry(db, entry, digest);
  return digest;
}

/** Twice as many lower-case hexadecimal digits as there are bytes. */
export function hexText(digest: Uint8Array): string {
  let text = "";
  for (const byte of digest) text += byte.toString(16).padStart(2, "0");
  return text;
}

function addEntry(db: Database, entry: Ref, digest: Uint8Array): void {
  mixNumber(digest, value.typeOf(db.arena, entry));
  addValue(db, entry, digest);
  if (value.expiryOf(db.arena, entry) !== value.NO_EXPIRY) {
    xor(digest, EXPIRE_MARK, 0, EXPIRE_MARK.length);
  }
}

function addValue({ arena }: Database, entry: Ref, digest: Uint8Array): void {
  const type = value.typeOf(arena, entry);
  if (type === value.TYPE_STRING) return addString(arena, entry, digest);
  const encoding = value.encodingOf(arena, entry);
  const ref = value.valueRef(arena, entry);
  switch (type) {
    case value.TYPE_LIST:
      listValue.emitAll(arena, ref, {
        bulk: (bytes, start, length) => mix(digest, bytes, start, length),
      });
      return;
    case value.TYPE_SET:
      setValue.forEach(arena, encoding, ref, ({ bytes, start, length }) => {
        xor(digest, bytes, start, length);
      });
      return;
    case value.TYPE_SORTED_SET:
      sortedSetValue.forEach(arena, encoding, ref, (member, score) => {
        const text = latin1Bytes(formatDouble17(score));
        xorPair(digest, member, text, 0, text.length);
      });
      return;
    case value.TYPE_HASH:
      hashValue.forEach(arena, encoding, ref, (field, content, expiryMs) => {
        addField(digest, field, content, expiryMs);
      });
      return;
    case value.TYPE_STREAM:
      return addStream(arena, ref, digest);
  }
  value.noSuchType(type);
}

/** Redis: groups do not count, and an id has a dot where it has a dash elsewhere. */
function addStream(arena: Database["arena"], ref: Ref, digest: Uint8Array): void {
  const cursor = new StreamCursor();
  const field = new Slice();
  const content = new Slice();
  if (!cursor.seek(arena, ref, MIN_ID, MAX_ID, false)) return;
  while (cursor.next()) {
    const id = latin1Bytes(idText(cursor.id).replace("-", "."));
    mix(digest, id, 0, id.length);
    cursor.beginPairs();
    for (let pairs = cursor.pairs; pairs > 0; pairs--) {
      cursor.readPair(field, content);
      mix(digest, field.bytes, field.start, field.length);
      mix(digest, content.bytes, content.start, content.length);
    }
  }
}

function addString(arena: Database["arena"], entry: Ref, digest: Uint8Array): void {
  sha1.reset();
  const length = stringValue.byteLength(arena, entry);
  stringValue.forEachChunk(arena, entry, 0, length, (bytes, start, count) => {
    sha1.update(bytes, start, count);
  });
  sha1.digest(hash);
  xorHash(digest);
  rehash(digest);
}

/** Adds an element that consists of two strings. */
function xorPair(
  digest: Uint8Array,
  first: Slice,
  bytes: Uint8Array,
  start: number,
  length: number,
): void {
  mixPair(first, bytes, start, length);
  xor(digest, pair, 0, SHA1_BYTES);
}

/** Adds a field of a hash; of its expiry counts only that it has one. */
function addField(digest: Uint8Array, field: Slice, content: Slice, expiryMs: number): void {
  mixPair(field, content.bytes, content.start, content.length);
  if (expiryMs !== value.NO_EXPIRY) xor(pair, FIELD_EXPIRE_MARK, 0, FIELD_EXPIRE_MARK.length);
  xor(digest, pair, 0, SHA1_BYTES);
}

function mixPair(first: Slice, bytes: Uint8Array, start: number, length: number): void {
  pair.fill(0);
  mix(pair, first.bytes, first.start, first.length);
  mix(pair, bytes, start, length);
}

function xor(digest: Uint8Array, bytes: Uint8Array, start: number, length: number): void {
  sha1.reset().update(bytes, start, length).digest(hash);
  xorHash(digest);
}

function mix(digest: Uint8Array, bytes: Uint8Array, start: number, length: number): void {
  xor(digest, bytes, start, length);
  rehash(digest);
}

function mixNumber(digest: Uint8Array, number: number): void {
  for (let index = 0; index < 4; index++) numberBytes[index] = number >>> (24 - (index << 3));
  mix(digest, numberBytes, 0, 4);
}

function xorHash(digest: Uint8Array): void {
  for (let index = 0; index < SHA1_BYTES; index++) digest[index] ^= hash[index];
}

function rehash(digest: Uint8Array): void {
  sha1.reset().update(digest, 0, SHA1_BYTES).digest(digest);
}
