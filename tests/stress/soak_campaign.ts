/**
 * The soak campaign: a server that is busy, then idle, then busy with other sizes, for long, with
 * saves, rewrites, reloads, kills and replicas in between; and a redis-server beside it that is
 * sent the same requests. After each phase both must have the same data.
 *
 * What no test of single parts meets is what follows from the others: slabs that were emptied by
 * one load, marked for evacuation, closed in an idle second, and taken by the next load while a
 * child reads; blocks that waited for the end of an image; pages that were given back.
 *
 * - What a child saves is the data of the moment at which it began, as redis-server reads its file.
 * - What was answered under `appendfsync always` is there after a kill, whole transactions only.
 * - A replica has the same data, wherever in a load it came.
 * - When all data have gone, all blocks have: the bytes in use are those of an empty server.
 *
 * The seed says which phases come and what is sent; when upkeep comes is up to the machine.
 */
import { assert, assertEquals } from "@std/assert";
import { infoOf, startPeer, untilInSync } from "../support/replication_pair.ts";
import type { RespClient } from "../support/resp_client.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { freePort, type ServerProcess } from "../support/server_process.ts";
import { delay, until } from "../support/text.ts";
import { SoakPair } from "./soak_pair.ts";
import { SOAK_DATABASES, type SoakRequest, SoakRequests } from "./soak_requests.ts";
import { MEGABYTE } from "./stress_support.ts";

export interface SoakOptions {
  readonly seed: number;
  /** Ends when so many phases have been gone through. */
  readonly phases: number;
  /** What a phase writes, about. */
  readonly fillBytes: number;
  /** Is told of each phase. */
  readonly report?: (line: string) => void;
}

export interface SoakOutcome {
  phases: number;
  requests: number;
  kills: number;
  /** Files that redis-server has read. */
  files: number;
  syncs: number;
}

/** Between two looks while nothing else is to be done: so few that the server counts as idle. */
const QUIET_MS = 500;
/** A child that is to be met at work takes so long over all keys. */
const CHILD_US = 600_000;
const UNITS = 120;
/** Idle memory that may stay when all data have gone. */
const RESERVE_BYTES_MAX = 16 * MEGABYTE;
const PROGRESS_KEY = "progress";

/**
 * Settings of both, and of ours alone. Not those that change what a value is, for commands are
 * repeated under the present one: hll-sparse-max-bytes.
 */
const SETTINGS: readonly [name: string, ...values: string[]][] = [
  ["list-max-listpack-size", "-2", "-1", "-5", "16", "128"],
  ["hash-max-listpack-entries", "128", "8", "512"],
  ["hash-max-listpack-value", "64", "8", "4000"],
  ["zset-max-listpack-entries", "128", "8", "512"],
  ["set-max-intset-entries", "512", "16"],
  ["stream-node-max-entries", "100", "10"],
];
const OUR_SETTINGS: readonly [name: string, ...values: string[]][] = [
  ["activedefrag", "yes", "no"],
  ["active-defrag-threshold-auto", "30", "1", "0"],
  ["active-defrag-threshold-lower", "10", "1"],
  ["active-defrag-ignore-bytes", "1", "100mb"],
  ["active-defrag-max-scan-fields", "1000", "10"],
  ["active-defrag-cycle-max", "25", "75"],
  ["hz", "10", "100", "500"],
  ["appendfsync", "always", "always", "everysec"],
  ["aof-timestamp-enabled", "yes", "no"],
  ["aof-use-rdb-preamble", "yes", "yes", "no"],
  ["rdbcompression", "yes", "no"],
  ["repl-diskless-sync", "yes", "no"],
];

export class SoakCampaign {
  /** Each phase has its own, so that it begins alike however long others have taken. */
  #random: SeededRandom;
  readonly #requests: SoakRequests;
  readonly #journal: string[] = [];
  #replica: ServerProcess | null = null;
  readonly #replicaPort = freePort();
  readonly #outcome: SoakOutcome = { phases: 0, requests: 0, kills: 0, files: 0, syncs: 0 };
  /** Phases, those that are to come more often several times; all come before one comes again. */
  readonly #phases: readonly (() => Promise<string>)[] = [
    () => this.#fill(),
    () => this.#fill(),
    () => this.#mix(),
    () => this.#mix(),
    () => this.#empty(),
    () => this.#empty(),
    () => this.#shrink(),
    () => this.#idle(),
    () => this.#idle(),
    () => this.#purge(),
    () => this.#set(),
    () => this.#set(),
    () => this.#save(),
    () => this.#save(),
    () => this.#rewrite(),
    () => this.#reload(),
    () => this.#kill(),
    () => this.#killWithin(),
    () => this.#killWithin(),
    () => this.#replicate(),
    () => this.#replicate(),
    () => this.#flush(),
  ];

  private constructor(readonly pair: SoakPair, readonly options: SoakOptions) {
    this.#random = new SeededRandom(options.seed);
    this.#requests = new SoakRequests(this.#random, options.fillBytes);
  }

  /** Runs the whole; throws, with the phases that came before, if something does not hold. */
  static async run(options: SoakOptions): Promise<SoakOutcome> {
    await using pair = await SoakPair.start();
    const campaign = new SoakCampaign(pair, options);
    try {
      await campaign.#run();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const account = [`seed ${options.seed}: ${message}`, "the phases:", ...campaign.#journal];
      const text = [...account, await pair.account()].join("\n");
      options.report?.(text);
      throw new Error(text, { cause: error });
    } finally {
      await campaign.#leaveReplica();
    }
    return { ...campaign.#outcome, requests: pair.requestCount };
  }

  async #run(): Promise<void> {
    const { seed, phases } = this.options;
    let deck: (() => Promise<string>)[] = [];
    for (let number = 1; number <= phases; number++) {
      this.#random = new SeededRandom(seed * 10_000 + number);
      this.#requests.beginWith(this.#random);
      if (deck.length === 0) deck = [...this.#phases];
      const [phase] = deck.splice(this.#random.below(deck.length), 1);
      // Before it is over, it stands there by its code.
      this.#journal.push(`  ${number}: ${phase} …`);
      await this.#select();
      const line = `  ${number}: ${await phase()}`;
      this.#journal.splice(-1, 1, line);
      await this.#check();
      this.options.report?.(line);
      this.#outcome.phases++;
    }
    await this.#leaveReplica();
    await this.#flush();
    await this.pair.restart(false);
    await this.#check();
  }

  /** Both servers have the same data, and the replica, if there is one. */
  async #check(): Promise<void> {
    await this.pair.check();
    if (this.#replica === null) return;
    using master = await this.pair.ours.connect();
    using replica = await this.#replica.connect();
    await untilInSync(master, replica);
    assertEquals(await replica.expect("DEBUG", "DIGEST"), await this.pair.digest(), "replica");
  }

  async #select(): Promise<void> {
    await this.pair.run([this.#requests.select()]);
  }

  /** What a phase writes: a part of the whole. */
  #bytes(): number {
    return this.#random.between(this.options.fillBytes / 8, this.options.fillBytes);
  }

  #strings(byteCount = this.#bytes()): Iterable<SoakRequest> {
    return this.#requests.upTo(byteCount, () => this.#requests.string());
  }

  #collections(byteCount = this.#bytes()): Iterable<SoakRequest> {
    return this.#requests.upTo(byteCount, () => this.#requests.collection());
  }

  #anything(byteCount = this.#bytes()): Iterable<SoakRequest> {
    return this.#requests.upTo(byteCount, () => this.#requests.any());
  }

  /** A load of values of one size. */
  async #fill(): Promise<string> {
    const sizes = this.#requests.changeSizes();
    await this.pair.run(this.#random.oneIn(2) ? this.#strings() : this.#collections());
    return `load of ${sizes.join(" to ")} bytes`;
  }

  async #mix(): Promise<string> {
    const sizes = this.#requests.changeSizes();
    await this.pair.run(this.#anything());
    return `everything, in ${sizes.join(" to ")} bytes`;
  }

  async #empty(): Promise<string> {
    if (this.#random.oneIn(4)) {
      const how = this.#random.pick(["ASYNC", "SYNC"]);
      await this.pair.run([{ law: "same", args: ["FLUSHDB", how] }]);
      return `FLUSHDB ${how}`;
    }
    for (let db = 0; db < SOAK_DATABASES; db++) {
      if (db > 0 && this.#random.oneIn(2)) continue;
      await this.pair.run([{ law: "same", args: ["SELECT", db] }]);
      await this.pair.run(this.#requests.nearlyAll());
    }
    return "nine in ten keys go";
  }

  async #shrink(): Promise<string> {
    await this.pair.run(this.#requests.shrink());
    return "collections become small";
  }

  /** Nobody asks for anything, but how late it is. */
  async #idle(): Promise<string> {
    const seconds = this.#random.between(2, 5);
    const end = Number(await this.pair.info("uptime_in_seconds")) + seconds;
    while (Number(await this.pair.info("uptime_in_seconds")) < end) await delay(QUIET_MS);
    return `${seconds} idle seconds`;
  }

  async #purge(): Promise<string> {
    await this.pair.ask("MEMORY", "PURGE");
    if (this.#random.oneIn(2)) await this.pair.run(this.#anything(this.#bytes() / 4));
    return `MEMORY PURGE, ${await this.#idle()}`;
  }

  async #set(): Promise<string> {
    const random = this.#random;
    const [name, ...values] = random.pick(SETTINGS);
    const ours = [random.pick(OUR_SETTINGS), random.pick(OUR_SETTINGS)];
    const settings = ours.map(([name, ...values]) => [name, random.pick(values)]);
    const shared = [name, random.pick(values)];
    await this.pair.set(shared[0], shared[1]);
    for (const setting of settings) await this.pair.ask("CONFIG", "SET", ...setting);
    return ["settings", ...shared, ...settings.flat()].join(" ");
  }

  /** Writes until no child is at work, at least once. */
  async #writeWhileSaving(): Promise<void> {
    do {
      await this.pair.run(this.#anything(this.options.fillBytes / 16));
    } while (Number(await this.pair.info("rdb_bgsave_in_progress")) > 0);
    await this.pair.untilSaved();
  }

  /** Has the child take a while over what it is to write. */
  async #slowChild(): Promise<void> {
    const keys = [...String(await this.pair.ask("INFO", "keyspace")).matchAll(/keys=(\d+)/g)];
    const count = keys.reduce((sum, [, number]) => sum + Number(number), 1);
    const delayUs = this.#random.oneIn(3) ? 0 : Math.min(2000, Math.floor(CHILD_US / count));
    await this.pair.ask("CONFIG", "SET", "rdb-key-save-delay", delayUs);
  }

  /** Has the child begin something; returns the digest of the data as they are then. */
  async #begin(command: "BGSAVE" | "BGREWRITEAOF"): Promise<string> {
    for (;;) {
      await this.pair.untilSaved();
      const digest = await this.pair.digest();
      // A replica that lost its link and came back may have been first.
      if (await this.pair.tell(command)) return digest;
    }
  }

  async #save(): Promise<string> {
    await this.pair.untilSaved();
    if (this.#random.oneIn(5)) {
      await this.pair.ask("SAVE");
      await this.#assertFile(await this.pair.digest());
      return "SAVE";
    }
    await this.#slowChild();
    const digest = await this.#begin("BGSAVE");
    await this.#writeWhileSaving();
    await this.#assertFile(digest);
    return "BGSAVE under writes";
  }

  async #assertFile(digest: string): Promise<void> {
    this.#outcome.files++;
    assertEquals(await this.pair.digestOfFiles(["dump.rdb"], []), digest, "dump.rdb");
  }

  async #rewrite(): Promise<string> {
    await this.#slowChild();
    await this.#begin("BGREWRITEAOF");
    do {
      await this.pair.run(this.#anything(this.options.fillBytes / 16));
    } while (Number(await this.pair.info("aof_rewrite_in_progress")) > 0);
    await this.pair.untilSaved();
    await this.pair.untilTidy();
    // What is answered is in the file, if that is what was configured.
    await this.pair.ask("CONFIG", "SET", "appendfsync", "always");
    const found = await this.pair.digestOfFiles(["appendonlydir"], ["--appendonly", "yes"]);
    assertEquals(found, await this.pair.digest(), "appendonlydir");
    this.#outcome.files++;
    return "BGREWRITEAOF under writes";
  }

  /** Reads the data again, while a child is at work, perhaps. */
  async #reload(): Promise<string> {
    const command = await this.#beginSaving();
    const how = this.#random.pick(["RELOAD", "LOADAOF"]);
    await this.pair.ask("DEBUG", how);
    return `${command}, DEBUG ${how}`;
  }

  /** Has a child be at work, perhaps. */
  async #beginSaving(): Promise<string> {
    const command = this.#random.pick(["BGSAVE", "BGREWRITEAOF", "PING"]);
    await this.#slowChild();
    await this.pair.tell(command);
    return command;
  }

  async #kill(): Promise<string> {
    await this.pair.ask("CONFIG", "SET", "appendfsync", "always");
    const command = await this.#beginSaving();
    await this.pair.run(this.#anything(this.options.fillBytes / 32));
    const isKilled = !this.#random.oneIn(3);
    await this.pair.restart(isKilled);
    this.#outcome.kills++;
    return `${command}, writes, ${isKilled ? "kill -9" : "SIGTERM"}`;
  }

  async #killWithin(): Promise<string> {
    await this.pair.run([{ law: "same", args: ["SELECT", 0] }]);
    await this.pair.ask("CONFIG", "SET", "appendfsync", "always");
    const command = await this.#beginSaving();
    const units = Array.from({ length: UNITS }, (_, number) => {
      return this.#requests.numbered(PROGRESS_KEY, number);
    });
    await this.pair.run(units.shift()!);
    const answered = this.#random.below(UNITS - 1);
    await this.pair.killWithin(PROGRESS_KEY, units, answered);
    this.#outcome.kills++;
    return `${command}, kill -9 when ${answered} of ${units.length} transactions were answered`;
  }

  /** A replica comes in the middle of a load, or the one that is there goes. */
  async #replicate(): Promise<string> {
    if (this.#replica !== null) {
      await this.#leaveReplica();
      return "the replica goes";
    }
    await this.#slowChild();
    const load = this.#random.pick(["disabled", "swapdb"]);
    const follow = ["--replicaof", `127.0.0.1 ${this.pair.ours.port}`];
    const args = [...follow, "--repl-diskless-load", load];
    let isThere = false;
    const starting = startPeer("redeno", { port: this.#replicaPort, args });
    const noted = starting.finally(() => isThere = true);
    noted.catch(() => {});
    do await this.pair.run(this.#anything(this.options.fillBytes / 16)); while (!isThere);
    this.#replica = await noted;
    using replica = await this.#replica.connect();
    await this.#writeUntilLinked(replica);
    this.#outcome.syncs++;
    return `a replica comes, repl-diskless-load ${load}`;
  }

  async #writeUntilLinked(replica: RespClient): Promise<void> {
    do await this.pair.run(this.#anything(this.options.fillBytes / 32)); while (
      (await infoOf(replica, "replication")).get("master_link_status") !== "up"
    );
  }

  async #leaveReplica(): Promise<void> {
    await this.#replica?.[Symbol.asyncDispose]();
    this.#replica = null;
  }

  /** All data go, and with them all blocks. */
  async #flush(): Promise<string> {
    await this.pair.untilSaved();
    const how = this.#random.pick(["ASYNC", "SYNC"]);
    await this.pair.run([{ law: "same", args: ["FLUSHALL", how] }]);
    await this.pair.untilSaved();
    const empty = Number(await this.pair.info("used_memory_startup"));
    let figures = new Map<string, number>();
    const look = async () => {
      const text = String(await this.pair.ask("MEMORY", "MALLOC-STATS"));
      figures = new Map(
        [...text.matchAll(/(used|reserved|deferred) (\d+)/g)].map(([, name, bytes]) => {
          return [name, Number(bytes)];
        }),
      );
    };
    await until("what was deleted has been given back", async () => {
      const pending = Number(await this.pair.info("lazyfree_pending_objects"));
      await look();
      return pending === 0 && figures.get("deferred") === 0;
    });
    assertEquals(figures.get("used"), empty, "bytes in use without data");
    await this.pair.ask("MEMORY", "PURGE");
    await until("idle segments have been given back", async () => {
      await look();
      return figures.get("reserved")! < RESERVE_BYTES_MAX;
    });
    assert(figures.get("reserved")! >= figures.get("used")!);
    return `FLUSHALL ${how}: ${figures.get("reserved")} bytes reserved`;
  }
}
