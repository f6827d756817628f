/**
 * What the soak campaign asks for: random requests of all types, to which two servers must answer
 * alike, in sizes that a phase chooses: so that memory is filled with blocks of one size, given
 * back, and filled with others.
 *
 * Nothing in them is random at the server's side, and no key expires while the campaign lasts.
 * What depends on an encoding is left out, for a server that has loaded its data may have others.
 */
import { COMMAND_SHAPES } from "../differential/command_shapes.ts";
import type { Law } from "../differential/reply_laws.ts";
import { requestsOfShape } from "../differential/shape_grammar.ts";
import type { Argument } from "../support/resp_client.ts";
import { SeededRandom } from "../support/seeded_random.ts";

export interface SoakRequest {
  readonly law: Law;
  readonly args: readonly Argument[];
}

/** Databases that are written to. */
export const SOAK_DATABASES = 4;

/** Milliseconds of a day in the year 2100. */
const FAR_FUTURE_MS = 4_102_444_800_000;
const NOISE_BYTES = 2 * 1024 * 1024;
/** Sizes of values, from the smallest to the largest, from which a phase chooses. */
const SIZES = [
  [1, 16],
  [17, 200],
  [200, 4000],
  [4000, 40_000],
  [40_000, 300_000],
  [300_000, 1_000_000],
  [1, 1_000_000],
] as const;
/** Elements of collections are no larger, but for a few; so that a request has many of them. */
const ELEMENT_BYTES_MAX = 20_000;
const BURST_BYTES = 40_000;
const STRING_KEYS_MAX = 4000;
const SMALL_COLLECTIONS = 150;
const LARGE_COLLECTIONS = 3;
/** Fields and members that a large collection, and a small one, may have. */
const LARGE_MEMBERS = 5000;
const SMALL_MEMBERS = 200;
/** Kinds of keys by the letter that they begin with; `s` are strings. */
const COLLECTIONS = ["l", "h", "u", "z", "x"] as const;
const KINDS = [...COLLECTIONS, "p", "b"] as const;

/**
 * Shapes of the fuzzer that ask for data, without those that wait, that depend on encodings or the
 * nodes of a stream, that expire soon, that look at all keys, or that change more than data.
 */
const SHAPES = COMMAND_SHAPES.filter(({ family, shape }) =>
  !["transactions", "server", "dumps", "sorting"].includes(family) &&
  !/<seconds>|<milliseconds>|PEXPIRE <key> \d|~|XINFO STREAM|\bBLOCK\b|^B[LRZ]\w*(POP|MOVE|PUSH)/
    .test(shape) &&
  !/^(DEBUG|CONFIG|CLIENT|SELECT|FLUSH|OBJECT|DUMP|KEYS|SCAN|DBSIZE|PFDEBUG)/.test(shape)
).flatMap((shape) => Array<typeof shape>(Math.max(1, shape.weight)).fill(shape));

const SCRIPTS: readonly { script: string; from: string; to: string }[] = [
  {
    script: "for i = 1, ARGV[2] do redis.call('RPUSH', KEYS[2], ARGV[1] .. i) end " +
      "return redis.call('LLEN', KEYS[2])",
    from: "l",
    to: "l",
  },
  {
    script: "local found = redis.call('LRANGE', KEYS[1], 0, ARGV[2]) " +
      "for i, v in ipairs(found) do redis.call('HSET', KEYS[2], i, v) end return #found",
    from: "l",
    to: "h",
  },
  {
    script: "redis.call('DEL', KEYS[2]) for i = 1, ARGV[2] do " +
      "redis.call('ZADD', KEYS[2], i % 17, ARGV[1] .. i) end return redis.call('ZCARD', KEYS[2])",
    from: "z",
    to: "z",
  },
  {
    script: "local s = redis.call('GET', KEYS[1]) or '' for i = 1, ARGV[2] do " +
      "redis.call('APPEND', KEYS[2], string.sub(s, i, i + 9)) end return #s",
    from: "s",
    to: "s",
  },
];

function same(...args: Argument[]): SoakRequest {
  return { law: "same", args };
}

/** About how many bytes a request takes. */
export function requestBytes({ args }: SoakRequest): number {
  return args.reduce<number>((sum, arg) => {
    return sum + 16 + (arg instanceof Uint8Array ? arg.length : String(arg).length);
  }, 0);
}

export class SoakRequests {
  #random: SeededRandom;
  /** Its first half is random, its second one can be compressed. */
  readonly #noise: Uint8Array;
  #sizes: readonly [number, number] = SIZES[1];
  #streamMs = 1000;

  /** `fillBytes`: what all strings of one size come to, about. */
  constructor(random: SeededRandom, private readonly fillBytes: number) {
    this.#random = random;
    const half = NOISE_BYTES / 2;
    this.#noise = new Uint8Array(NOISE_BYTES);
    this.#noise.set(new SeededRandom(random.seed).bytes(half));
    for (let at = half; at < NOISE_BYTES; at++) this.#noise[at] = 97 + (at >> 6) % 26;
  }

  /** Draws from another generator from now on. */
  beginWith(random: SeededRandom): void {
    this.#random = random;
  }

  /** Values have another size from now on, which is returned. */
  changeSizes(): readonly [number, number] {
    this.#sizes = this.#random.pick(SIZES);
    return this.#sizes;
  }

  /** Requests made by `make` until they come to so many bytes. */
  *upTo(byteCount: number, make: () => SoakRequest[]): Generator<SoakRequest> {
    for (let bytes = 0; bytes < byteCount;) {
      for (const request of make()) {
        bytes += requestBytes(request);
        yield request;
      }
    }
  }

  select(): SoakRequest {
    const random = this.#random;
    return same("SELECT", random.oneIn(3) ? random.below(SOAK_DATABASES) : 0);
  }

  /** Writes of all kinds, and some reads. */
  any(): SoakRequest[] {
    const random = this.#random;
    switch (random.below(12)) {
      case 0:
      case 1:
        return this.whole();
      case 2:
        return this.script();
      case 3:
        return this.shape();
      case 4:
        return this.transaction();
      case 5:
        return this.read();
      case 6:
        return [this.select()];
      default:
        return random.oneIn(2) ? this.string() : this.collection();
    }
  }

  string(): SoakRequest[] {
    const random = this.#random;
    const key = this.#stringKey();
    const [, sizeMax] = this.#sizes;
    switch (random.below(14)) {
      case 0:
        return [same("SET", key, this.#value(), "PXAT", FAR_FUTURE_MS + random.below(1e6))];
      case 1:
        return [same("APPEND", key, this.#value(2000))];
      case 2:
        return [same("SETRANGE", key, random.below(sizeMax), this.#value(2000))];
      case 3:
        return [same("SETBIT", key, random.below(sizeMax * 8), random.below(2))];
      case 4:
        return [same("GETSET", key, this.#value(4000))];
      case 5:
        return [same("MSET", key, this.#value(), this.#stringKey(), this.#value(100))];
      case 6:
        return [same("SET", `n:${random.below(STRING_KEYS_MAX)}`, random.below(1e6))];
      case 7:
        return [same("INCRBY", `n:${random.below(STRING_KEYS_MAX)}`, random.between(-999, 999))];
      case 8:
        return [same("PEXPIREAT", key, FAR_FUTURE_MS + random.below(1e6))];
      default:
        return [same("SET", key, this.#value())];
    }
  }

  collection(): SoakRequest[] {
    const random = this.#random;
    switch (random.below(6)) {
      case 0:
        return [this.#list(this.#key("l"))];
      case 1:
        return [this.#hash(this.#key("h"))];
      case 2:
        return [this.#set(this.#key("u"))];
      case 3:
        return [this.#sortedSet(this.#key("z"))];
      case 4:
        return this.#stream(this.#key("x"));
      default:
        return [this.#bits()];
    }
  }

  /** Moves, copies or removes whole values. */
  whole(): SoakRequest[] {
    const random = this.#random;
    const kind = random.pick(["s", ...KINDS]);
    const [key, other] = [this.#key(kind), this.#key(kind)];
    const db = random.below(SOAK_DATABASES);
    switch (random.below(12)) {
      case 0:
        return [same("RENAME", key, other)];
      case 1:
        return [same("RENAMENX", key, other)];
      case 2:
        return [same("COPY", key, other, "REPLACE")];
      case 3:
        return [same("COPY", key, other, "DB", db, "REPLACE")];
      case 4:
        return [same("MOVE", key, db)];
      case 5:
        return random.oneIn(6) ? [same("SWAPDB", db, random.below(SOAK_DATABASES))] : [];
      case 6:
        return [same("UNLINK", key, other)];
      case 7:
        return [same("SUNIONSTORE", this.#key("u"), this.#key("u"), this.#key("u"))];
      case 8:
        return [same("ZUNIONSTORE", this.#key("z"), 2, this.#key("z"), this.#key("u"))];
      case 9:
        return [same("SORT", this.#key("l"), "ALPHA", "LIMIT", 0, 400, "STORE", this.#key("l"))];
      case 10:
        return [same("BITOP", "XOR", this.#key("b"), this.#key("b"), this.#key("b"))];
      default:
        return [same(random.pick(["PERSIST", "TOUCH", "EXISTS", "TYPE"]), key)];
    }
  }

  script(): SoakRequest[] {
    const random = this.#random;
    const { script, from, to } = random.pick(SCRIPTS);
    const text = random.word(random.between(1, 40));
    const keys = [this.#key(from), this.#key(to)];
    return [same("EVAL", script, 2, ...keys, text, random.below(120))];
  }

  /** One of the fuzzer's; -0 is what the encodings of a sorted set do not agree on. */
  shape(): SoakRequest[] {
    const { shape, law } = this.#random.pick(SHAPES);
    const requests = requestsOfShape(shape, this.#random).map((args) => ({ law, args }));
    return requests.some(({ args }) => args.some((arg) => String(arg) === "-0")) ? [] : requests;
  }

  transaction(): SoakRequest[] {
    const random = this.#random;
    const queue: SoakRequest[] = [];
    while (queue.length < 5) {
      queue.push(...(random.oneIn(4) ? this.whole() : this.#write()));
    }
    return [same("MULTI"), ...queue, same(random.oneIn(9) ? "DISCARD" : "EXEC")];
  }

  /** A transaction that notes its number at a key, in the database that is selected. */
  numbered(key: string, number: number): SoakRequest[] {
    const queue = [...this.#write(), ...this.#write(), ...this.#write()];
    return [same("MULTI"), same("SET", key, number), ...queue, same("EXEC")];
  }

  read(): SoakRequest[] {
    const random = this.#random;
    const key = this.#key(random.pick(["s", "s", ...KINDS]));
    const start = random.below(3000);
    const reads: SoakRequest[] = [
      same("PEXPIRETIME", key),
      same("TYPE", key),
      same("STRLEN", this.#stringKey()),
      same("GETRANGE", this.#stringKey(), start, start + 5000),
      same("BITCOUNT", this.#key("b")),
      same("LRANGE", this.#key("l"), start, start + 50),
      same("LINDEX", this.#key("l"), -start),
      same("HMGET", this.#key("h"), this.#field(), this.#field()),
      same("SMISMEMBER", this.#key("u"), this.#field(), random.below(LARGE_MEMBERS)),
      same("ZRANGE", this.#key("z"), start, start + 50, "WITHSCORES"),
      same("ZRANK", this.#key("z"), this.#field()),
      same("ZRANGE", this.#key("z"), 10, 12, "BYSCORE", "LIMIT", 0, 20),
      same("XRANGE", this.#key("x"), start, "+", "COUNT", 20),
      same("PFCOUNT", this.#key("p")),
      same("XINFO", "GROUPS", this.#key("x")),
      same("XPENDING", this.#key("x"), "g"),
    ];
    return [random.pick(reads)];
  }

  /** Removes nine in ten keys of the database that is selected, or of all their elements. */
  *nearlyAll(): Generator<SoakRequest> {
    const random = this.#random;
    const keys = this.#allKeys().filter(() => !random.oneIn(10));
    const isPast = random.oneIn(4);
    for (let at = 0; at < keys.length; at += 50) {
      const some = keys.slice(at, at + 50);
      if (isPast) yield* some.map((key) => same("PEXPIREAT", key, 1));
      else yield same(random.pick(["DEL", "UNLINK"]), ...some);
    }
  }

  /** Makes collections of the database that is selected small again, element by element. */
  *shrink(): Generator<SoakRequest> {
    const random = this.#random;
    for (const kind of COLLECTIONS) {
      for (const key of this.#keysOf(kind).filter(() => random.oneIn(2))) {
        yield* this.#shrinkOne(kind, key);
      }
    }
  }

  *#shrinkOne(kind: typeof COLLECTIONS[number], key: string): Generator<SoakRequest> {
    const random = this.#random;
    if (kind === "l") yield same("LTRIM", key, random.below(20), random.below(60));
    else if (kind === "z") yield same("ZREMRANGEBYRANK", key, random.below(9), -random.below(9));
    else if (kind === "x") yield same("XTRIM", key, "MAXLEN", random.below(30));
    else {
      const members = key.includes("large") ? LARGE_MEMBERS : SMALL_MEMBERS;
      for (let at = 0; at < members; at += 100) {
        const fields = Array.from({ length: 90 }, (_, index) => `m${at + index}`);
        if (kind === "h") yield same("HDEL", key, ...fields);
        else yield same("SREM", key, ...fields, ...fields.map((field) => field.slice(1)));
      }
    }
  }

  #write(): SoakRequest[] {
    return this.#random.oneIn(2) ? this.string() : this.collection();
  }

  #list(key: string): SoakRequest {
    const random = this.#random;
    switch (random.below(9)) {
      case 0:
        return same("LSET", key, random.between(-300, 300), this.#element());
      case 1:
        return same("LTRIM", key, random.below(5), -random.between(1, 5));
      case 2:
        return same(random.pick(["LPOP", "RPOP"]), key, random.below(30));
      case 3:
        return same("LREM", key, random.between(-3, 3), random.below(50));
      case 4:
        return same("LINSERT", key, "BEFORE", random.below(50), this.#element());
      case 5:
        return same("LMOVE", key, this.#key("l"), "LEFT", "RIGHT");
      default:
        return same(random.pick(["LPUSH", "RPUSH"]), key, ...this.#burst(() => [this.#element()]));
    }
  }

  #hash(key: string): SoakRequest {
    const random = this.#random;
    switch (random.below(6)) {
      case 0:
        return same("HDEL", key, ...this.#burst(() => [this.#field(key)]));
      case 1:
        return same("HINCRBY", key, `n${random.below(9)}`, random.between(-99, 99));
      default:
        return same("HSET", key, ...this.#burst(() => [this.#field(key), this.#element()]));
    }
  }

  #set(key: string): SoakRequest {
    const random = this.#random;
    const isNumeric = random.oneIn(2);
    const member = () => isNumeric ? random.below(LARGE_MEMBERS) : this.#field(key);
    switch (random.below(6)) {
      case 0:
        return same("SREM", key, ...this.#burst(() => [member()]));
      case 1:
        return same("SMOVE", key, this.#key("u"), member());
      case 2:
        return same("SADD", key, this.#element());
      default:
        return same("SADD", key, ...this.#burst(() => [member()]));
    }
  }

  #sortedSet(key: string): SoakRequest {
    const random = this.#random;
    const score = () => random.oneIn(3) ? random.below(40) : random.below(1e6) / 8;
    switch (random.below(8)) {
      case 0:
        return same("ZREM", key, ...this.#burst(() => [this.#field(key)]));
      case 1:
        return same(random.pick(["ZPOPMIN", "ZPOPMAX"]), key, random.below(20));
      case 2:
        return same("ZINCRBY", key, random.below(40), this.#field(key));
      case 3:
        return same("ZADD", key, score(), this.#element());
      default:
        return same("ZADD", key, ...this.#burst(() => [score(), this.#field(key)]));
    }
  }

  #stream(key: string): SoakRequest[] {
    const random = this.#random;
    const id = `${random.between(1000, this.#streamMs)}-0`;
    const consumer = `c${random.below(4)}`;
    switch (random.below(12)) {
      case 0:
        return [same("XTRIM", key, "MAXLEN", random.below(300))];
      case 1:
        return [same("XDEL", key, id, `${random.between(1000, this.#streamMs)}-0`)];
      case 2:
        return [same("XGROUP", "CREATE", key, "g", random.pick(["0", "$"]), "MKSTREAM")];
      case 3:
      case 4:
        return [
          same(
            "XREADGROUP",
            "GROUP",
            "g",
            consumer,
            "COUNT",
            random.below(40),
            "STREAMS",
            key,
            ">",
          ),
        ];
      case 5:
        return [same("XACK", key, "g", id, `${random.between(1000, this.#streamMs)}-0`)];
      case 6:
        return [same("XCLAIM", key, "g", consumer, 0, id, "TIME", 1000, "JUSTID")];
      case 7:
        return random.oneIn(8) ? [same("XGROUP", "DELCONSUMER", key, "g", consumer)] : [];
      default:
        return Array.from({ length: random.between(1, 20) }, () => {
          return same("XADD", key, `${this.#streamMs++}-0`, random.word(2), this.#element());
        });
    }
  }

  #bits(): SoakRequest {
    const random = this.#random;
    switch (random.below(5)) {
      case 0:
        return same("SETBIT", this.#key("b"), random.below(2_000_000), random.below(2));
      case 1:
        return same("PFMERGE", this.#key("p"), this.#key("p"), this.#key("p"));
      case 2:
        return same("BITFIELD", this.#key("b"), "SET", "u16", random.below(99_999), 4321);
      default:
        return same("PFADD", this.#key("p"), ...this.#burst(() => [random.below(1e6)]));
    }
  }

  /** Arguments made by `make`, again and again, up to some tens of kilobytes. */
  #burst(make: () => Argument[]): Argument[] {
    const random = this.#random;
    const args: Argument[] = [];
    const countMax = random.oneIn(3) ? 60 : 6;
    let bytes = 0;
    for (let count = random.between(1, countMax); count > 0 && bytes < BURST_BYTES; count--) {
      const some = make();
      bytes += requestBytes(same(...some));
      args.push(...some);
    }
    return args;
  }

  #element(): Argument {
    const random = this.#random;
    if (random.oneIn(4)) return random.below(50);
    return this.#value(random.oneIn(300) ? Infinity : ELEMENT_BYTES_MAX);
  }

  #field(key = ""): string {
    return `m${this.#random.below(key.includes("large") ? LARGE_MEMBERS : SMALL_MEMBERS)}`;
  }

  /** Bytes of a length of the present sizes, small ones as often as large ones. */
  #value(bytesMax = Infinity): Argument {
    const random = this.#random;
    const [low, high] = this.#sizes;
    const length = Math.floor(low * Math.pow((high + 1) / low, random.below(1 << 20) / (1 << 20)));
    const bytes = Math.min(length, bytesMax);
    const start = random.below(NOISE_BYTES - bytes);
    return this.#noise.subarray(start, start + bytes);
  }

  #stringKey(): string {
    const [low, high] = this.#sizes;
    const mean = (high - low) / Math.log(high / low);
    const count = Math.min(STRING_KEYS_MAX, Math.max(8, Math.floor(this.fillBytes / mean)));
    return `s:${this.#random.below(count)}`;
  }

  #key(kind: string): string {
    const random = this.#random;
    if (kind === "s") return this.#stringKey();
    if (kind === "b") return `b:${random.below(4)}`;
    return random.oneIn(3)
      ? `${kind}:large:${random.below(LARGE_COLLECTIONS)}`
      : `${kind}:${random.below(SMALL_COLLECTIONS)}`;
  }

  #keysOf(kind: string): string[] {
    const small = Array.from({ length: SMALL_COLLECTIONS }, (_, index) => `${kind}:${index}`);
    const large = Array.from({ length: LARGE_COLLECTIONS }, (_, index) => `${kind}:large:${index}`);
    return [...small, ...large];
  }

  #allKeys(): string[] {
    const strings = Array.from({ length: STRING_KEYS_MAX }, (_, index) => `s:${index}`);
    const numbers = Array.from({ length: STRING_KEYS_MAX }, (_, index) => `n:${index}`);
    return [...strings, ...numbers, ...KINDS.flatMap((kind) => this.#keysOf(kind))];
  }
}
