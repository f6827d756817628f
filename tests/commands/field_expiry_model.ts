/**
 * A model of hashes whose fields expire, as plain maps, and random requests that are put to a
 * server and to it, while the clock is moved by hand: what the server answers, what it holds, and
 * what it has recorded to be repeated must be what the model says.
 */
import { assert, assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { nextExpiryOfKey } from "../../src/values/element_expiry.ts";
import { latin1Bytes } from "../../src/base/bytes.ts";
import { contentsOf, loadFromBytes, saveToBytes } from "../persistence/keyspace_contents.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import type { Argument } from "../support/resp_client.ts";
import { type Plain, RespError } from "../support/resp_reply.ts";
import type { SeededRandom } from "../support/seeded_random.ts";
import { commandsOf } from "../support/unit_reader.ts";

const START_MS = 1_700_000_000_000;
const KEYS = ["h1", "h2", "h3", "large"];
const NONE = Infinity;

interface ModelField {
  text: string;
  expiryMs: number;
}

type ModelHash = Map<string, ModelField>;

/** What the server should hold. A field that has expired is not there, whoever removes it. */
class Model {
  readonly hashes = new Map<string, ModelHash>();

  /** The fields of a hash that have not expired. */
  living(key: string): ModelHash {
    const living: ModelHash = new Map();
    for (const [field, content] of this.hashes.get(key) ?? []) {
      if (content.expiryMs >= clock.nowMs()) living.set(field, content);
    }
    return living;
  }

  /** Forgets what has expired: the server has removed it, too. */
  expire(): void {
    for (const key of [...this.hashes.keys()]) this.put(key, this.living(key));
  }

  put(key: string, hash: ModelHash): void {
    if (hash.size === 0) this.hashes.delete(key);
    else this.hashes.set(key, hash);
  }

  change(key: string, change: (hash: ModelHash) => void): void {
    const hash = this.hashes.get(key) ?? new Map();
    change(hash);
    this.put(key, hash);
  }
}

export class FieldExpiryFuzz {
  readonly #random: SeededRandom;
  readonly #model = new Model();
  readonly #server = newServer();
  /** Repeats what the server has recorded. */
  readonly #replica = newServer();
  readonly #effects: string[][] = [];
  readonly #isRecorded: boolean;

  /** Unless it `isRecorded` what the server does, it need not look at fields that it removes. */
  constructor(random: SeededRandom, isRecorded: boolean) {
    this.#random = random;
    this.#isRecorded = isRecorded;
    clock.setTimeForTests(START_MS);
    const { propagation } = this.#server.server;
    if (isRecorded) {
      propagation.attach({
        takeUnit: (bytes, length) => {
          this.#effects.push(...commandsOf(bytes, length));
        },
      });
    }
    // What repeats effects waits for them, and removes nothing by itself.
    this.#replica.server.keyspace.isLoading = true;
  }

  /** Puts so many requests to the server, and ends all. */
  run(requests: number): void {
    try {
      for (let request = 0; request < requests; request++) this.#step();
      this.#thaw();
      this.#compare();
      this.#assertMemoryComesBack();
    } finally {
      this.#server[Symbol.dispose]();
      this.#replica[Symbol.dispose]();
      clock.useRealTime();
    }
  }

  #step(): void {
    const random = this.#random;
    if (random.oneIn(12)) this.#moveClock();
    if (random.oneIn(150)) this.#compare();
    if (random.oneIn(200)) this.#saveAndLoad();
    if (random.oneIn(60)) this.#freezeOrThaw();
    if (random.oneIn(40) && !this.#server.server.fork.isFrozen) this.#defragment();
    this.#request(random.oneIn(3) ? "large" : random.pick(KEYS));
  }

  #moveClock(): void {
    clock.advanceForTests(this.#random.pick([1, 10, 50, 400]));
    // What is removed in steps is gone from the model when it is from the server.
    this.#server.server.expireCycle.stepFields();
    this.#model.expire();
  }

  #freezeOrThaw(): void {
    if (this.#server.server.fork.isFrozen) return this.#thaw();
    this.#server.server.fork.freeze();
  }

  #thaw(): void {
    const { arena, fork } = this.#server.server;
    if (!fork.isFrozen) return;
    fork.release();
    arena.freeDeferred(Infinity);
  }

  #defragment(): void {
    const { defragmentation } = this.#server.server.activeDefrag;
    defragmentation.begin();
    while (defragmentation.isRunning) defragmentation.step(0);
  }

  #ask(...request: Argument[]): Plain {
    return this.#server.run(...request);
  }

  #field(key: string): string {
    const random = this.#random;
    const number = random.below(key === "large" ? 200 : 12);
    return random.oneIn(50) ? `field:${number}`.padEnd(200, "f") : `f${number}`;
  }

  #text(): string {
    const random = this.#random;
    return random.oneIn(20) ? "long".repeat(random.between(10, 100)) : `${random.below(100)}`;
  }

  /** A time to come, mostly. */
  #time(): number {
    return Math.max(1, clock.nowMs() + this.#random.between(-20, 500));
  }

  #request(key: string): void {
    const random = this.#random;
    const field = this.#field(key);
    switch (random.below(14)) {
      case 0:
      case 1:
        return this.#set(key, field);
      case 2:
      case 3:
        return this.#setWithExpiry(key, field);
      case 4:
      case 5:
      case 6:
        return this.#expireFields(key);
      case 7:
        return this.#persist(key, field);
      case 8:
        return this.#get(key, field);
      case 9:
        return this.#increment(key, field);
      case 10:
        return this.#remove(key, field);
      case 11:
        return this.#read(key);
      case 12:
        return this.#getAndChange(key, field);
    }
    return this.#whole(key);
  }

  #set(key: string, field: string): void {
    const isNew = !this.#model.hashes.get(key)?.has(field);
    const text = this.#text();
    assertEquals(this.#ask("HSET", key, field, text), isNew ? 1 : 0);
    this.#model.change(key, (hash) => hash.set(field, { text, expiryMs: NONE }));
  }

  #setWithExpiry(key: string, field: string): void {
    const expiryMs = this.#time();
    const text = this.#text();
    const option = this.#random.pick(["PXAT", "KEEPTTL", "NONE"]);
    const words = option === "PXAT" ? [option, expiryMs] : option === "NONE" ? [] : [option];
    assertEquals(this.#ask("HSETEX", key, ...words, "FIELDS", 1, field, text), 1);
    this.#model.change(key, (hash) => {
      const keptMs = option === "KEEPTTL" ? hash.get(field)?.expiryMs ?? NONE : NONE;
      if (option === "PXAT" && expiryMs <= clock.nowMs()) hash.delete(field);
      else hash.set(field, { text, expiryMs: option === "PXAT" ? expiryMs : keptMs });
    });
  }

  #expireFields(key: string): void {
    const random = this.#random;
    const expiryMs = this.#time();
    const condition = random.pick(["", "NX", "XX", "GT", "LT"]);
    const fields = Array.from({ length: random.between(1, 4) }, () => this.#field(key));
    const words = condition === "" ? [] : [condition];
    const reply = this.#ask(
      "HPEXPIREAT",
      key,
      expiryMs,
      ...words,
      "FIELDS",
      fields.length,
      ...fields,
    );
    const expected = fields.map((field) => {
      let outcome = -2;
      this.#model.change(key, (hash) => {
        const present = hash.get(field);
        if (present === undefined) return;
        outcome = isAllowed(condition, present.expiryMs, expiryMs) ? 1 : 0;
        if (outcome === 0) return;
        if (expiryMs > clock.nowMs()) {
          hash.set(field, { ...present, expiryMs });
        } else {
          outcome = 2;
          hash.delete(field);
        }
      });
      return outcome;
    });
    assertEquals(reply, expected);
  }

  #persist(key: string, field: string): void {
    const content = this.#model.living(key).get(field);
    const expected = content === undefined ? -2 : content.expiryMs === NONE ? -1 : 1;
    assertEquals(this.#ask("HPERSIST", key, "FIELDS", 1, field), [expected]);
    if (content !== undefined) content.expiryMs = NONE;
  }

  #get(key: string, field: string): void {
    const content = this.#model.living(key).get(field);
    assertEquals(this.#ask("HGET", key, field), content?.text ?? null);
    const expiry = content === undefined ? -2 : content.expiryMs === NONE ? -1 : content.expiryMs;
    assertEquals(this.#ask("HPEXPIRETIME", key, "FIELDS", 1, field), [expiry]);
    this.#forgetIfExpired(key, field);
  }

  /** A command that asked for a field has removed it if it had expired. */
  #forgetIfExpired(key: string, field: string): void {
    if (this.#model.living(key).has(field)) return;
    this.#model.change(key, (hash) => hash.delete(field));
  }

  #increment(key: string, field: string): void {
    const content = this.#model.living(key).get(field);
    const reply = this.#ask("HINCRBYFLOAT", key, field, "1.5");
    this.#forgetIfExpired(key, field);
    if (content !== undefined && Number.isNaN(Number(content.text))) {
      return assert(reply instanceof RespError);
    }
    const text = String(Number(content?.text ?? 0) + 1.5);
    assertEquals(reply, text);
    const expiryMs = content?.expiryMs ?? NONE;
    this.#model.change(key, (hash) => hash.set(field, { text, expiryMs }));
  }

  #remove(key: string, field: string): void {
    const isThere = this.#model.hashes.get(key)?.has(field) ?? false;
    assertEquals(this.#ask("HDEL", key, field), isThere ? 1 : 0);
    this.#model.change(key, (hash) => hash.delete(field));
  }

  #read(key: string): void {
    const pairs = this.#ask("HGETALL", key) as string[];
    const living = this.#model.living(key);
    assertEquals(pairs.length, living.size * 2);
    for (let index = 0; index < pairs.length; index += 2) {
      assertEquals(living.get(pairs[index])?.text, pairs[index + 1]);
    }
    assertEquals(this.#ask("HLEN", key), this.#model.hashes.get(key)?.size ?? 0);
    const drawn = this.#ask("HRANDFIELD", key, 1000) as string[];
    this.#model.put(key, living);
    assertEquals(drawn.sort(), [...living.keys()].sort());
  }

  #getAndChange(key: string, field: string): void {
    const content = this.#model.living(key).get(field);
    const expected = [content?.text ?? null];
    if (this.#random.oneIn(2)) {
      assertEquals(this.#ask("HGETDEL", key, "FIELDS", 1, field), expected);
      this.#model.change(key, (hash) => hash.delete(field));
      return;
    }
    const expiryMs = this.#time();
    assertEquals(this.#ask("HGETEX", key, "PXAT", expiryMs, "FIELDS", 1, field), expected);
    this.#forgetIfExpired(key, field);
    if (content === undefined) return;
    content.expiryMs = expiryMs;
    if (expiryMs <= clock.nowMs()) this.#model.change(key, (hash) => hash.delete(field));
  }

  #whole(key: string): void {
    const random = this.#random;
    const { hashes } = this.#model;
    const other = random.pick(KEYS);
    const source = hashes.get(key);
    const copied = () => new Map([...source!].map(([field, content]) => [field, { ...content }]));
    switch (random.below(6)) {
      case 0:
        if (source === undefined || other === key) return;
        assertEquals(this.#ask("COPY", key, other, "REPLACE"), 1);
        hashes.set(other, copied());
        return;
      case 1:
        if (source === undefined || other === key) return;
        assertEquals(this.#ask("RENAME", key, other), "OK");
        hashes.delete(key);
        hashes.set(other, source);
        return;
      case 2:
        if (source === undefined) return;
        this.#restore(key);
        return;
      case 3:
        if (source === undefined) return;
        this.#ask("PEXPIREAT", key, START_MS * 2);
        this.#ask(random.pick(["PERSIST", "TOUCH"]), key);
        return;
      case 4:
        if (!random.oneIn(8)) return;
        this.#ask("SET", key, "a string");
        this.#ask("DEL", key);
        hashes.delete(key);
        return;
      case 5:
        if (!random.oneIn(8)) return;
        this.#ask("SWAPDB", 0, 1);
        this.#ask("SWAPDB", 1, 0);
    }
  }

  /** The payload of DUMP is the value. */
  #restore(key: string): void {
    const raw = this.#server.raw("DUMP", key);
    const payload = latin1Bytes(raw.slice(raw.indexOf("\r\n") + 2, -2));
    assertEquals(this.#ask("RESTORE", key, 0, payload, "REPLACE"), "OK");
  }

  /** Server, model, and what repeats the effects hold the same; the order of keys is right. */
  #compare(): void {
    // From here on nothing is left that has expired.
    this.#server.server.expireCycle.stepFields();
    this.#model.expire();
    for (const key of KEYS) {
      const living = this.#model.living(key);
      const pairs = this.#ask("HGETALL", key) as string[];
      assertEquals(pairs.length, living.size * 2);
      for (let at = 0; at < pairs.length; at += 2) {
        assertEquals(pairs[at + 1], living.get(pairs[at]!)?.text);
      }
    }
    assertEquals(this.#ask("DBSIZE"), this.#model.hashes.size);
    for (const words of this.#effects.splice(0)) {
      const reply = this.#replica.run(...words.map((word) => latin1Bytes(word)));
      assert(!(reply instanceof RespError), `${words.join(" ")}: ${reply}`);
    }
    if (this.#isRecorded) {
      assertEquals(contentsOf(this.#replica, false), contentsOf(this.#server, false));
    }
    this.#assertOrder();
  }

  #assertOrder(): void {
    const { arena, keyspace } = this.#server.server;
    const [db] = keyspace.databases;
    let expected = 0;
    for (const key of KEYS) {
      const bytes = latin1Bytes(key);
      const entry = db.findRaw(bytes, 0, bytes.length);
      if (entry === 0) continue;
      const least = Math.min(...[...this.#model.living(key).values()].map((each) => each.expiryMs));
      assertEquals(nextExpiryOfKey(arena, entry), least === NONE ? -1 : least);
      if (least !== NONE) expected++;
    }
    assertEquals(db.expiryOrder.count, expected);
  }

  #saveAndLoad(): void {
    this.#compare();
    for (const version of [12, 80] as const) {
      using loaded = newServer();
      loadFromBytes(loaded, saveToBytes(this.#server, { version }));
      assertEquals(contentsOf(loaded, false), contentsOf(this.#server, false));
    }
  }

  #assertMemoryComesBack(): void {
    const { arena } = this.#server.server;
    this.#ask("FLUSHALL");
    this.#server.reclaim();
    using empty = newServer();
    assertEquals(arena.usedBytes, empty.server.arena.usedBytes);
  }
}

function newServer(): EmbeddedServer {
  return new EmbeddedServer([["hash-max-listpack-entries", "16"]]);
}

function isAllowed(condition: string, presentMs: number, expiryMs: number): boolean {
  switch (condition) {
    case "NX":
      return presentMs === NONE;
    case "XX":
      return presentMs !== NONE;
    case "GT":
      return expiryMs > presentMs;
    case "LT":
      return expiryMs < presentMs;
  }
  return true;
}
