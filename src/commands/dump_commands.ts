/**
 * DUMP and RESTORE: the value of a key as a string of bytes, and back. The payload is what an RDB
 * file holds of a value, with a version and a checksum behind it (persistence/rdb_format.ts).
 */
import { INT64_MAX } from "../base/integers.ts";
import * as clock from "../base/clock.ts";
import { announcedVersion } from "../config/version.ts";
import { EVENT_GENERIC } from "../keyspace/keyspace_listener.ts";
import type { Ref } from "../memory/memory.ts";
import { Crc64 } from "../persistence/crc64.ts";
import * as format from "../persistence/rdb_format.ts";
import { RdbInput } from "../persistence/rdb_input.ts";
import type { ByteSink } from "../persistence/rdb_output.ts";
import { RdbValueReader } from "../persistence/rdb_value_reader.ts";
import { RdbWriter } from "../persistence/rdb_writer.ts";
import type { Argv } from "../protocol/argv.ts";
import type { Client } from "../session/client.ts";
import type { Host } from "../session/host.ts";
import type { RedisCommand } from "../session/command.ts";
import { commandError, SYNTAX_ERROR } from "../session/errors.ts";
import { encodingLimits } from "../durability/value_limits.ts";
import { nextExpiryOfKey } from "../values/element_expiry.ts";
import * as value from "../values/value.ts";
import { bigIntegerArgument, integerArgument } from "./arguments.ts";

const DUMP_COST =
  "O(1) to find the key, O(N*M) to write it down, N: parts of the value, M: bytes of each; for a short string O(1)+O(1*M), that is O(1).";
const RESTORE_COST =
  "O(1) to make the key, O(N*M) to read the value, N: its parts, M: bytes of each; for a short string O(1)+O(1*M), that is O(1). A sorted set takes O(N*M*log(N)), for each member finds its place in O(log(N)).";

// deno-fmt-ignore
export const dumpCommands: readonly RedisCommand[] = [
  { name: "dump", proc: dumpCommand, arity: 2, keys: [1, 1, 1], access: "RO access",
    flags: ["readonly"], categories: ["@keyspace"], since: "2.6.0", group: "generic",
    complexity: DUMP_COST, tips: ["nondeterministic_output"],
    summary: "Returns the value of a key in a form that RESTORE takes." },
  { name: "restore", proc: restoreCommand, arity: -4, keys: [1, 1, 1], access: "OW update",
    flags: ["write", "denyoom"], categories: ["@keyspace", "@dangerous"], since: "2.6.0",
    group: "generic", complexity: RESTORE_COST,
    summary: "Creates a key from what DUMP returned." },
  { name: "restore-asking", proc: restoreCommand, arity: -4, keys: [1, 1, 1], access: "OW update",
    flags: ["write", "denyoom", "asking"], categories: ["@keyspace", "@dangerous"], since: "3.0.0",
    group: "server", complexity: RESTORE_COST,
    summary: "RESTORE, as nodes of a cluster send it while a slot moves." },
];

const BUSY_KEY = commandError("BUSYKEY Target key name already exists.");
const BAD_DATA = commandError("ERR Bad data format");
const BAD_PAYLOAD = commandError("ERR DUMP payload version or checksum are wrong");
const INVALID_TTL = commandError("ERR Invalid TTL value, must be >= 0");
const INVALID_IDLETIME = commandError("ERR Invalid IDLETIME value, must be >= 0");
const INVALID_FREQ = commandError("ERR Invalid FREQ value, must be >= 0 and <= 255");

const VERSION_BYTES = 2;
/** What stands behind the data of a payload. */
export const FOOTER_BYTES = VERSION_BYTES + format.CHECKSUM_BYTES;

/** Collects a payload in memory. */
export class PayloadSink implements ByteSink {
  readonly pieces: Uint8Array[] = [];
  byteCount = 0;

  /** All of it in one piece. */
  joined(): Uint8Array {
    const bytes = new Uint8Array(this.byteCount);
    let at = 0;
    for (const piece of this.pieces) {
      bytes.set(piece, at);
      at += piece.length;
    }
    return bytes;
  }

  write(bytes: Uint8Array, start: number, length: number): void {
    this.pieces.push(bytes.slice(start, start + length));
    this.byteCount += length;
  }
}

/** The key's value as DUMP gives it: type, value, version, checksum. */
export function dumpPayload(
  { arena, config }: Pick<Host, "arena" | "config">,
  entry: Ref,
): PayloadSink {
  const sink = new PayloadSink();
  const writer = new RdbWriter(arena, sink, {
    version: versionToWrite(arena, config, entry),
    redisVersion: announcedVersion(config),
    compresses: config.rdbcompression,
    hasChecksum: true,
    access: "none",
    lfuDecayTime: 0,
    isAofBase: false,
    nowMs: 0,
    usedMemoryBytes: 0,
    functionLibraries: [],
    keyDelayUs: 0,
  });
  writer.writePayload(entry);
  return sink;
}

function versionToWrite(
  arena: Host["arena"],
  { rdbVersion }: Pick<Host["config"], "rdbVersion">,
  entry: Ref,
): format.RdbVersion {
  return format.versionFor(rdbVersion, nextExpiryOfKey(arena, entry) !== value.NO_EXPIRY);
}

function dumpCommand(client: Client): void {
  const { db, argv, host, reply } = client;
  const entry = db.lookupForRead(argv, 1);
  if (entry === 0) return reply.nil();
  const sink = dumpPayload(host, entry);
  reply.bulkHeader(sink.byteCount);
  for (const piece of sink.pieces) reply.raw(piece, 0, piece.length);
  reply.bulkEnd();
}

interface RestoreOptions {
  replaces: boolean;
  isAbsolute: boolean;
  /** -1 = not given. */
  idleSeconds: number;
  frequency: number;
}

function restoreCommand(client: Client): void {
  const { db, argv } = client;
  const options = restoreOptions(argv);
  const keyStart = argv.starts[1];
  const keyBytes = argv.lengths[1];
  if (!options.replaces && db.peek(argv, 1) !== 0) throw BUSY_KEY;
  const expiryMs = restoredExpiry(argv, options.isAbsolute);
  if (!isSoundPayload(argv, 3, client.host.persistence.rdb.skipsChecksums)) throw BAD_PAYLOAD;
  const entry = readPayload(client, expiryMs);

  const wasRemoved = options.replaces && db.remove(argv, 1);
  const isExpired = expiryMs !== value.NO_EXPIRY && expiryMs < clock.nowMs();
  if (isExpired && db.keyspace.expiryPolicy !== "show") {
    // Redis: a key that has expired already is not made; the one it replaces is gone all the same.
    db.keyspace.reclaimer.freeEntry(entry);
    if (wasRemoved) {
      client.propagateAs("DEL", argv.copy(1));
      db.changed(argv, 1, EVENT_GENERIC, "del");
    }
    return client.reply.ok();
  }
  db.insertEntry(entry);
  db.keyspace.streams.noteEntry(db.index, entry);
  db.keyspace.restoreAccess(entry, options.idleSeconds, options.frequency);
  propagateForOthers(client, entry, options.isAbsolute ? value.NO_EXPIRY : expiryMs);
  const type = value.typeOf(db.arena, entry);
  db.changed(argv, 1, EVENT_GENERIC, "restore");
  if (type !== value.TYPE_STRING) {
    db.keyspace.listener.keyReady(db, argv.bytes, keyStart, keyBytes, type);
  }
  client.reply.ok();
}

function restoreOptions(argv: Argv): RestoreOptions {
  const options = { replaces: false, isAbsolute: false, idleSeconds: -1, frequency: -1 };
  for (let index = 4; index < argv.count; index++) {
    const hasMore = index + 1 < argv.count;
    if (argv.is(index, "replace")) {
      options.replaces = true;
    } else if (argv.is(index, "absttl")) {
      options.isAbsolute = true;
    } else if (argv.is(index, "idletime") && hasMore && options.frequency === -1) {
      options.idleSeconds = idleSecondsArgument(argv, ++index);
    } else if (argv.is(index, "freq") && hasMore && options.idleSeconds === -1) {
      options.frequency = integerArgument(argv, ++index);
      if (options.frequency < 0 || options.frequency > 255) throw INVALID_FREQ;
    } else {
      throw SYNTAX_ERROR;
    }
  }
  return options;
}

/** Seconds that are not negative; Redis: beyond 2^63 milliseconds they wrap around, and may be. */
function idleSecondsArgument(argv: Argv, index: number): number {
  const seconds = bigIntegerArgument(argv, index);
  if (seconds < 0n) throw INVALID_IDLETIME;
  const wrapped = Number(BigInt.asIntN(64, seconds * 1000n) / 1000n);
  // A round less is the same time, and not -1, which says that there is none.
  return wrapped < 0 ? wrapped - 2 ** 24 : wrapped;
}

/** The expiry that the ttl argument asks for: Unix time in ms, or NO_EXPIRY. */
function restoredExpiry(argv: Argv, isAbsolute: boolean): number {
  const ttl = bigIntegerArgument(argv, 2);
  if (ttl < 0n) throw INVALID_TTL;
  if (ttl === 0n) return value.NO_EXPIRY;
  if (isAbsolute) return Number(ttl);
  const expiry = ttl + BigInt(clock.nowMs());
  // Redis: the sum overflows, and the key counts as expired.
  return expiry > INT64_MAX ? 0 : Number(expiry);
}

/**
 * Whether the version can be read and the checksum is right. (Redis reads up to its own version;
 * here it is the type that decides.)
 */
export function isSoundPayload(argv: Argv, index: number, skipsChecksum: boolean): boolean {
  const { bytes } = argv;
  const length = argv.lengths[index];
  if (length < FOOTER_BYTES) return false;
  const footer = argv.starts[index] + length - FOOTER_BYTES;
  const version = payloadVersion(argv, index);
  if (!format.isKnownVersion(version)) return false;
  if (skipsChecksum) return true;
  if (format.mayLackChecksum(version)) {
    const end = footer + FOOTER_BYTES;
    if (bytes.subarray(footer + VERSION_BYTES, end).every((byte) => byte === 0)) return true;
  }
  const crc = new Crc64();
  crc.update(bytes, argv.starts[index], length - format.CHECKSUM_BYTES);
  return crc.matches(bytes, footer + VERSION_BYTES);
}

/** The version of a payload that is long enough to have one. */
export function payloadVersion({ bytes, starts, lengths }: Argv, index: number): number {
  const footer = starts[index] + lengths[index] - FOOTER_BYTES;
  return bytes[footer] | (bytes[footer + 1] << 8);
}

/** The value in the payload on an entry that is in no database yet. */
function readPayload({ argv, host }: Client, expiryMs: number): Ref {
  const byteCount = argv.lengths[3] - FOOTER_BYTES;
  const input = RdbInput.over("payload", argv.bytes, argv.starts[3], byteCount);
  const reader = new RdbValueReader(input, host.keyspace, encodingLimits(host.config), true);
  reader.version = payloadVersion(argv, 3);
  let entry: Ref = 0;
  try {
    const type = input.readByte();
    entry = reader.read(type, argv.bytes, argv.starts[1], argv.lengths[1], expiryMs);
  } catch (error) {
    if (!(error instanceof format.RdbFormatError)) throw error;
    const { offset, reason } = error;
    // As Redis words it, for those who look for it; a client erred, so it is no warning.
    host.log.verbose(`Internal error in RDB reading offset ${offset}, RESTORE -> ${reason}.`);
  }
  if (entry === 0) throw BAD_DATA;
  return entry;
}

/**
 * Puts what others can read into the command that is recorded: an absolute expiry, if `expiryMs` is
 * one, and of a payload of a later version than ours the same value as we write it. (Redis refuses
 * such payloads, so it has none to pass on.)
 */
function propagateForOthers(client: Client, entry: Ref, expiryMs: number): void {
  const { argv, host } = client;
  const version = versionToWrite(host.arena, host.config, entry);
  const isReadable = format.isReadableWhere(version, payloadVersion(argv, 3));
  const isRelative = expiryMs !== value.NO_EXPIRY;
  if (isReadable && !isRelative) return;
  const parts: (string | Uint8Array)[] = ["RESTORE", argv.copy(1)];
  parts.push(isRelative ? String(expiryMs) : argv.copy(2));
  parts.push(isReadable ? argv.copy(3) : dumpPayload(host, entry).joined());
  for (let index = 4; index < argv.count; index++) parts.push(argv.copy(index));
  if (isRelative) parts.push("ABSTTL");
  client.propagateAs(...parts);
}
