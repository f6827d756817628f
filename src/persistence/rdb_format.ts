/**
 * RDB format: the numbers of the file format, in one place; reader and writer have no others.
 *
 * A FILE is a header, then parts that each begin with an opcode or a type, then the end:
 *
 *   bytes                                   meaning
 *   "REDIS0010"                             magic and version (from 80 on: "VALKEY080")
 *   250 string string                       AUX: name and value; unknown names are passed over
 *   245 string                              FUNCTION2: source of a function library
 *   254 length                              SELECTDB: the keys that follow are of this database
 *   251 length length                       RESIZEDB: number of keys, and of keys with an expiry
 *   252 int64                               EXPIRETIME_MS of the next key, Unix time
 *   253 int32                               EXPIRETIME in seconds (up to version 2)
 *   248 length                              IDLE: seconds since the last access of the next key
 *   249 byte                                FREQ: access frequency counter of the next key
 *   type string value                       a key and its value
 *   247 length length length …              MODULE_AUX: module id, 2, when, data of the module, 0
 *   243 length …                            KEY_META: data that modules keep with the next key, by
 *                                           number; to Valkey a slot that moves: not read
 *   242 length length strings               HASH_TEMPLATE: id, number of fields, their names
 *   244 length length length                SLOT_INFO of a cluster; a hint, passed over
 *   255                                     EOF, from version 5 on followed by
 *   8 bytes                                 CRC-64 of all before it, lowest byte first; 0 = none
 *
 * A LENGTH is 1, 2, 5 or 9 bytes, told by its first two bits:
 *
 *   00llllll                                l
 *   01llllll 1 byte                         14 bits, highest first
 *   10000000 4 bytes                        32 bits, highest first
 *   10000001 8 bytes                        64 bits, highest first
 *   11tttttt                                no length: the string is encoded in way t, see below
 *
 * A STRING is a length and that many bytes, or one of
 *
 *   192 int8 | 193 int16 | 194 int32        the decimal text of an integer, lowest byte first
 *   195 length length bytes                 LZF: compressed length, length, compressed bytes
 *
 * A VALUE, by its type ("blob" is a string that holds a structure as it stands in memory):
 *
 *   type                       since    value
 *   0   STRING                 1        string
 *   1   LIST                   1        length, strings
 *   2   SET                    1        length, strings
 *   3   ZSET                   1        length, pairs of string and score as text, see below
 *   4   HASH                   1        length, pairs of strings
 *   5   ZSET_2                 8        length, pairs of string and score as double
 *   6   MODULE, 7 MODULE_2     8        known to the module only
 *   9   HASH_ZIPMAP            2        blob
 *   10  LIST_ZIPLIST           2        blob
 *   11  SET_INTSET             2        blob
 *   12  ZSET_ZIPLIST           2        blob: member, score, member, score …
 *   13  HASH_ZIPLIST           4        blob: field, value, field, value …
 *   14  LIST_QUICKLIST         7        length, blobs: ziplists
 *   15  STREAM_LISTPACKS       9        see below
 *   16  HASH_LISTPACK          10       blob
 *   17  ZSET_LISTPACK          10       blob
 *   18  LIST_QUICKLIST_2       10       length, pairs of container (1 plain, 2 packed) and string
 *   19  STREAM_LISTPACKS_2     10       see below
 *   20  SET_LISTPACK           11       blob
 *   21  STREAM_LISTPACKS_3     11       see below
 *   22  hash of Valkey         80       length, triples of two strings and int64 (ms; -1 = none)
 *   22  HASH_METADATA_PRE_GA   12       as 24, but without int64: expiries are Unix time in ms
 *   23  HASH_LISTPACK_EX_PRE   12       as 25, but without int64
 *   24  HASH_METADATA          12       int64, length, triples of length and two strings, see below
 *   25  HASH_LISTPACK_EX       12       int64, blob: field, value, expiry, field, value, expiry …
 *   26  STREAM_LISTPACKS_4     13       see below
 *   27  STREAM_LISTPACKS_5     14       see below
 *   28  array, 33 rate limiter 14, 15   not read: there are no such types here
 *   29  HASH_TEMPLATE_LISTPACK 15       names, blob: any integer, value, value …
 *   30  … of the registry      15       blob: id of a template, value, value …
 *   31  HASH_TEMPLATE_ARRAY    15       names, strings: a value for each
 *   32  … of the registry      15       length (id of a template), strings: a value for each
 *
 * The int64 of types 24 and 25 is the Unix time in ms at which the first field expires, 2^48 if
 * none does. The length before a field is 0 if it does not expire, else counted from that time: 1
 * for the field that is first. The expiry in a blob is Unix time in ms, or 0.
 *
 * The names of types 29 and 31 are a length and, if it is 0, a blob: name, name …; if it is 1, a
 * length and that many strings. Those of types 30 and 32 stand once in the file, behind 242.
 *
 * A score as text is a byte that counts the characters of it, or 253 NaN, 254 +inf, 255 -inf.
 *
 * A STREAM is, with "id" for two lengths, (19) for what types from 19 on have, and so forth:
 *
 *   length, pairs of string and blob        nodes: id as 16 bytes, highest first, and a listpack
 *   length, id                              entries, last id
 *   id, id, length                          (19) first id, greatest deleted id, entries added
 *   length                                  groups, each
 *     string, id, length                      name, last id, (19) entries read
 *     length, … 16 bytes, int64, length       pending: id, time of delivery in ms, deliveries
 *     length                                  consumers, each
 *       string, int64, int64                    name, seen and (21) active, in ms
 *       length, … 16 bytes                      ids of its pending entries
 *     length, … 16 bytes                      (27) ids of pending entries that no consumer has
 *   length, length                          (26) for how long producers are known (s), how many ids
 *   length, … string, length, …             (26) producers, and for each its ids:
 *     string, id                                id of the producer's, and of the entry
 *   length, length                          (26) entries with such an id; those that came again
 *
 * A DUMP payload is type and value as above, the version as two bytes, and the CRC of all of it.
 */

/** The versions that can be written; 80 is Valkey's. */
export type RdbVersion = 9 | 10 | 11 | 12 | 80;

/** What `rdb-version` may be; "auto" is the oldest that has what there is to write. */
export const RDB_VERSION_WORDS = ["auto", "9", "10", "11", "12", "80"] as const;
export type RdbVersionWord = typeof RDB_VERSION_WORDS[number];

/** The version to write by a setting, with or without fields of hashes that expire. */
export function versionFor(word: RdbVersionWord, hasFieldExpiries: boolean): RdbVersion {
  if (word === "auto") return hasFieldExpiries ? 12 : RDB_VERSION;
  return Number(word) as RdbVersion;
}

/**
 * Whether servers for which `written` is the form to write can read `version`. (To those of Valkey
 * what Redis made of the format from 12 on is another program's.)
 */
export function isReadableWhere(written: RdbVersion, version: number): boolean {
  const isForeign = isValkeyVersion(written) && version >= FOREIGN_VERSION_MIN;
  return version === written || (version < written && !isForeign);
}

/** Whether a version has a form for hashes with fields that expire. */
export function knowsFieldExpiries(version: RdbVersion): boolean {
  return version >= 12;
}

/** The format of Redis 7.0, and of DUMP payloads. */
export const RDB_VERSION = 10;
export const RDB_VERSION_MIN = 1;
/** The format of Redis 8.10. What it has that we have not is refused type by type. */
export const RDB_VERSION_MAX = 16;
/** From here on the numbers of Redis are not those of Valkey. */
const FOREIGN_VERSION_MIN = 12;
/** Written by Valkey 9, with a magic of its own. */
export const RDB_VERSION_VALKEY = 80;
/** Since this one there are templates of hashes. */
const TEMPLATE_VERSION_MIN = 15;
/** Older files end without a checksum. */
export const CHECKSUM_VERSION_MIN = 5;
export const CHECKSUM_BYTES = 8;
export const MAGIC_BYTES = 9;

/** Of Redis 8.10. */
export const OPCODE_HASH_TEMPLATE = 242;
/** To Redis 8.6 data of modules on a key, to Valkey a slot that moves. */
export const OPCODE_KEY_META = 243;
export const OPCODE_SLOT_INFO = 244;
export const OPCODE_FUNCTION2 = 245;
export const OPCODE_FUNCTION_PRE_GA = 246;
export const OPCODE_MODULE_AUX = 247;
export const OPCODE_IDLE = 248;
export const OPCODE_FREQ = 249;
export const OPCODE_AUX = 250;
export const OPCODE_RESIZEDB = 251;
export const OPCODE_EXPIRETIME_MS = 252;
export const OPCODE_EXPIRETIME = 253;
export const OPCODE_SELECTDB = 254;
export const OPCODE_EOF = 255;

export const RDB_STRING = 0;
export const RDB_LIST = 1;
export const RDB_SET = 2;
export const RDB_ZSET = 3;
export const RDB_HASH = 4;
export const RDB_ZSET_2 = 5;
export const RDB_MODULE = 6;
export const RDB_MODULE_2 = 7;
export const RDB_HASH_ZIPMAP = 9;
export const RDB_LIST_ZIPLIST = 10;
export const RDB_SET_INTSET = 11;
export const RDB_ZSET_ZIPLIST = 12;
export const RDB_HASH_ZIPLIST = 13;
export const RDB_LIST_QUICKLIST = 14;
export const RDB_STREAM_LISTPACKS = 15;
export const RDB_HASH_LISTPACK = 16;
export const RDB_ZSET_LISTPACK = 17;
export const RDB_LIST_QUICKLIST_2 = 18;
export const RDB_STREAM_LISTPACKS_2 = 19;
export const RDB_SET_LISTPACK = 20;
export const RDB_STREAM_LISTPACKS_3 = 21;
/** To Valkey the last one, and another; see the table. */
export const RDB_HASH_VALKEY = 22;
export const RDB_HASH_METADATA_PRE_GA = 22;
export const RDB_HASH_LISTPACK_EX_PRE_GA = 23;
export const RDB_HASH_METADATA = 24;
export const RDB_HASH_LISTPACK_EX = 25;
export const RDB_STREAM_LISTPACKS_4 = 26;
export const RDB_STREAM_LISTPACKS_5 = 27;
export const RDB_HASH_TEMPLATE_LISTPACK = 29;
export const RDB_HASH_TEMPLATE_LISTPACK_REF = 30;
export const RDB_HASH_TEMPLATE_ARRAY = 31;
export const RDB_HASH_TEMPLATE_ARRAY_REF = 32;
/** Types from here to the first opcode are unknown. */
export const RDB_TYPE_END = 34;

/** The first field of a hash of which none expires expires then. */
export const NO_FIELD_EXPIRES_MS = 2 ** 48;

/** What people call the types that cannot be read; by number. */
export const UNREADABLE_TYPE_NAMES: ReadonlyMap<number, string> = new Map([
  [RDB_MODULE, "module"],
  [28, "array"],
  [33, "rate limiter"],
]);

const MODULE_NAME_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const MODULE_NAME_LENGTH = 9;
/** Below the name stands the version of the module's own format. */
const MODULE_VERSION_BITS = 10n;

/** The name of the type of a module: its id is nine characters of 6 bits each, and a version. */
export function moduleTypeName(id: bigint): string {
  let name = "";
  for (let index = 1; index <= MODULE_NAME_LENGTH; index++) {
    const shift = MODULE_VERSION_BITS + BigInt(6 * (MODULE_NAME_LENGTH - index));
    name += MODULE_NAME_CHARACTERS[Number((id >> shift) & 63n)];
  }
  return name;
}

/** Upper two bits of the first byte of a length. */
export const LENGTH_6_BIT = 0;
export const LENGTH_14_BIT = 1;
export const LENGTH_LONG = 2;
export const LENGTH_ENCODED = 3;
export const LENGTH_32_BIT_BYTE = 0x80;
export const LENGTH_64_BIT_BYTE = 0x81;

/** First bytes of encoded strings. */
export const STRING_INT8 = 0xc0;
export const STRING_INT16 = 0xc1;
export const STRING_INT32 = 0xc2;
export const STRING_LZF = 0xc3;

/** How the names of a template of hashes stand in a value. */
export const NAMES_IN_LISTPACK = 0;
export const NAMES_AS_STRINGS = 1;

/** Ends the data of a module. */
export const MODULE_END = 0;

/** Containers in LIST_QUICKLIST_2. */
export const QUICKLIST_PLAIN = 1;
export const QUICKLIST_PACKED = 2;

/** First bytes of scores as text that are no counts of characters. */
export const SCORE_NAN = 253;
export const SCORE_POSITIVE_INFINITY = 254;
export const SCORE_NEGATIVE_INFINITY = 255;

/** Integers have at most so many characters to be worth encoding: "-2147483648". */
export const INTEGER_TEXT_BYTES_MAX = 11;
/** Strings of more bytes are compressed. */
export const COMPRESSION_BYTES_MIN = 20;

/** What the first bytes of a file say: its version, and whether that can be read; null: no RDB. */
export function parseMagic(magic: string): { version: number; isReadable: boolean } | null {
  const match = /^(?:REDIS(\d{4})|VALKEY(\d{3}))$/.exec(magic);
  if (match === null) return null;
  const version = Number(match[1] ?? match[2]);
  const isValkey = match[1] === undefined;
  return { version, isReadable: isKnownVersion(version) && isValkeyVersion(version) === isValkey };
}

/** Whether files and payloads of a version are read, as far as their types are known. */
export function isKnownVersion(version: number): boolean {
  return version === RDB_VERSION_VALKEY ||
    (version >= RDB_VERSION_MIN && version <= RDB_VERSION_MAX);
}

/** Whether payloads of a version may have a checksum of 0: those for replicas are written so. */
export function mayLackChecksum(version: number): boolean {
  return version >= TEMPLATE_VERSION_MIN && !isValkeyVersion(version);
}

/** Whether types and opcodes from 22 and 242 on are Valkey's. */
export function isValkeyVersion(version: number): boolean {
  return version === RDB_VERSION_VALKEY;
}

/** The first bytes of a file of a version. */
export function magicOf(version: RdbVersion): string {
  return isValkeyVersion(version)
    ? `VALKEY${String(version).padStart(3, "0")}`
    : `REDIS${String(version).padStart(4, "0")}`;
}

/** A file or payload that is no RDB, or a damaged one, or one of a kind that we cannot read. */
export class RdbFormatError extends Error {
  override readonly name: string = "RdbFormatError";
  /** Path of the file, or what else was read. */
  readonly path: string;
  /** Offset of the byte at which reading stopped. */
  readonly offset: number;
  readonly reason: string;

  constructor(path: string, offset: number, reason: string) {
    super(`Cannot load RDB file "${path}": ${reason} at offset ${offset}`);
    this.path = path;
    this.offset = offset;
    this.reason = reason;
  }
}

/** Nothing is wrong with the file as far as we can tell, but it holds what we cannot read. */
export class RdbUnreadableError extends RdbFormatError {
  override readonly name = "RdbUnreadableError";
}
