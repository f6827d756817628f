/**
 * Failover campaign: masters are killed, stopped, parted from the rest and asked to step down, one
 * after the other, under clients that keep what WAIT has confirmed and a load of all types. Three
 * real sentinels choose the next master each time. What must hold:
 *
 * - What WAIT says that ALL replicas have is in the next master, whichever that is.
 * - What WAIT says that one of several has is in the next master if that one was chosen. Sentinel
 *   takes the replica that was ahead when it last asked, which may be seconds ago, so that it may
 *   take another one. So the replicas are looked at as soon as the master is gone: together they
 *   have all that was confirmed; and if the one that is chosen was not behind then, it has all now.
 *   (A master that still serves while its successor is chosen may have further writes confirmed by
 *   a replica that is passed over. These count as told, and are not judged.)
 * - If the sentinels choose a further master meanwhile, they may take a server that has come back
 *   empty; then nothing is judged, and the failover counts as unexpected.
 * - In the end all have the same data, and backlog and memory are within their bounds.
 *
 * Which fault comes when is up to the seed; what it meets is up to the machine.
 */
import { assert, assertEquals } from "@std/assert";
import type { PeerKind } from "../support/replication_pair.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import type { SentinelOptions } from "../support/sentinels.ts";
import { delay, until } from "../support/text.ts";
import { WriteLoad } from "../support/write_load.ts";
import { type Absence, absenceOf, ConfirmedWrites } from "./confirmed_writes.ts";
import { FailoverGroup, type Member } from "./failover_group.ts";
import { MEGABYTE } from "./stress_support.ts";

/** Writes that are confirmed before, and acknowledged after each failover, at least. */
const WRITES_MIN = 50;
const LOAD_REQUESTS = 1500;
/**
 * They would remove what is looked for. PFCOUNT keeps its estimate in the value, in a replica, too,
 * so that it differs from its master's: a load may reach one that was the master a moment before.
 * BITFIELD: redis-server tells no replica of the key that it makes if all of it fails.
 */
const LEFT_OUT = /^(flushall|swapdb|pfcount|bitfield)$/i;
const MEMORY_BYTES_MAX = 64 * MEGABYTE;
const CUT_BYTES_MAX = 20_000;
/** A delay is so small a part of the time after which a server is taken for dead. */
const DELAY_PART = 4;
/** About what a full synchronization sends. */
const IMAGE_BYTES = 700_000;

export interface CampaignOptions {
  readonly kinds: readonly PeerKind[];
  readonly failovers: number;
  readonly seed: number;
  readonly sentinels: SentinelOptions;
  /** The faults to choose from; all unless given. */
  readonly faults?: readonly string[];
  /** Is told of each failover. */
  readonly report?: (line: string) => void;
}

export interface CampaignOutcome {
  failovers: number;
  /** Failovers by what brought them about. */
  readonly faults: Record<string, number>;
  acknowledged: number;
  confirmed: number;
  /** Writes that WAIT had confirmed and whose loss no rule explains. */
  lost: number;
  /** Confirmed by one of several replicas, while another one was chosen that was behind. */
  passedOver: number;
  /** Confirmed by one of several replicas when nothing can be said of who was ahead. */
  unjudged: number;
  /** Failovers that nobody asked for: the machine was too slow. */
  unexpected: number;
  /** Connections cut in the middle of a command or of an RDB. */
  cuts: number;
  /** Times that a master was not heard of for a while. */
  delays: number;
  memoryBytesMax: number;
}

/** What is done to a master; the function that is returned makes it good. */
type Fault = (
  master: Member,
  group: FailoverGroup,
  random: SeededRandom,
) => Promise<(nextPort: number) => Promise<void>>;

const done = (act: () => void) => () => Promise.resolve(act());

const FAULTS: Readonly<Record<string, Fault>> = {
  async killed(master, _group, random) {
    await master.server.kill();
    // As a master, until Sentinel makes it a replica; or as a good operator starts it.
    return (nextPort) => master.start(random.oneIn(2) ? 0 : nextPort);
  },
  async stopped(master) {
    await stop(master);
    return done(() => master.server.child.kill("SIGCONT"));
  },
  parted(master) {
    master.proxy.part();
    return Promise.resolve(done(() => master.proxy.pass()));
  },
  refused(master) {
    master.proxy.refuse();
    return Promise.resolve(done(() => master.proxy.pass()));
  },
  mute(master) {
    master.proxy.hold();
    return Promise.resolve(done(() => master.proxy.pass()));
  },
  async asked(_master, group) {
    await group.sentinels.failover();
    return () => Promise.resolve();
  },
  /** One replica of several is behind when the master dies, and comes back behind the failover. */
  async killedAhead(master, group, random) {
    const behind = random.pick(group.others(master.port));
    if (group.members.length > 2) await stop(behind);
    // It is no master any more if the machine was too slow for the sentinels.
    await master.ask((client) =>
      client.callMany([["SET", "ahead", random.next()], ["WAIT", 1, 5000]])
    );
    await master.server.kill();
    return async (nextPort) => {
      behind.server.child.kill("SIGCONT");
      await master.start(nextPort);
    };
  },
};

/** Those after which the old master cannot get a word from a replica. */
const ENDS_AT_ONCE = new Set(["killed", "stopped", "parted", "refused", "killedAhead"]);

/** What the replicas had when the master was gone. */
interface Evidence {
  readonly keys: readonly string[];
  readonly absences: ReadonlyMap<number, Absence>;
}

export class FailoverCampaign {
  readonly outcome: CampaignOutcome = {
    failovers: 0,
    faults: {},
    acknowledged: 0,
    confirmed: 0,
    lost: 0,
    passedOver: 0,
    unjudged: 0,
    unexpected: 0,
    cuts: 0,
    delays: 0,
    memoryBytesMax: 0,
  };
  readonly #options: CampaignOptions;
  readonly #random: SeededRandom;
  readonly #group: FailoverGroup;

  private constructor(options: CampaignOptions, group: FailoverGroup) {
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
    this.#group = group;
  }

  /** Runs the whole; throws if something that must hold does not. */
  static async run(options: CampaignOptions): Promise<CampaignOutcome> {
    await using group = await FailoverGroup.start(options.kinds, options.sentinels);
    const campaign = new FailoverCampaign(options, group);
    try {
      for (let round = 1; round <= options.failovers; round++) await campaign.#round(round);
    } catch (error) {
      const outcome = JSON.stringify(campaign.outcome);
      throw new Error([String(error), outcome, group.logs].join("\n-----\n"), { cause: error });
    }
    return campaign.outcome;
  }

  async #round(round: number): Promise<void> {
    const { outcome } = this;
    const group = this.#group;
    const port = await group.untilConverged();
    this.#choicesBefore = group.sentinels.choiceCount;
    const master = group.member(port);
    const seed = this.#random.next();
    await using writes = new ConfirmedWrites(group, round, port, seed);
    const loading = this.#load(master, seed);
    await writes.untilConfirmed(WRITES_MIN);
    const weather = this.#random.below(4);
    if (weather < 2) await this.#cutInTheMiddle(master, writes);
    else if (weather === 2) await this.#delay(master, writes);
    const name = this.#random.pick(this.#options.faults ?? Object.keys(FAULTS));
    const repair = await FAULTS[name](master, group, this.#random);
    const evidence = ENDS_AT_ONCE.has(name) ? await this.#look(port, writes) : null;
    const next = await group.sentinels.untilMasterIsNot(port);
    await writes.untilAcknowledged(WRITES_MIN);
    await this.#judge(writes, next, evidence);
    // Who comes back may get the data to the middle only.
    const cutAfter = 1 + this.#random.below(IMAGE_BYTES);
    if (this.#random.oneIn(2)) group.member(next).proxy.cutAfter(cutAfter);
    await repair(next);
    await group.untilConverged();
    await writes.untilConfirmed(WRITES_MIN);
    await loading;
    await writes.stop();
    outcome.cuts += this.#takeCuts();
    const last = await group.untilSameData();
    outcome.memoryBytesMax = Math.max(outcome.memoryBytesMax, await group.memoryInUse());
    assert(outcome.memoryBytesMax < MEMORY_BYTES_MAX, `${outcome.memoryBytesMax} bytes in use`);
    if (this.#hasOneChoice && last === next) await this.#judge(writes, next, evidence);
    else outcome.unexpected++;
    outcome.failovers++;
    outcome.faults[name] = (outcome.faults[name] ?? 0) + 1;
    outcome.acknowledged += writes.acknowledgedCount;
    outcome.confirmed += writes.keys(1).length;
    this.#options.report?.(`${round}: ${name}: ${JSON.stringify(outcome)}`);
  }

  /** Changes of all types at a master, until it is none any more. */
  async #load(master: Member, seed: number): Promise<void> {
    const options = { seed, count: LOAD_REQUESTS, leftOut: LEFT_OUT };
    using load = await WriteLoad.create(master.server, options);
    // Without an end if it is stopped, so it is given up when another is the master.
    const isOver = until("another master", async () => {
      return load.isDone || await this.#group.sentinels.namedPort() !== master.port;
    });
    await Promise.race([load.run().catch(() => {}), isOver]);
  }

  async #cutInTheMiddle(master: Member, writes: ConfirmedWrites): Promise<void> {
    master.proxy.cutAfter(1 + this.#random.below(CUT_BYTES_MAX));
    await writes.untilConfirmed(WRITES_MIN);
  }

  /** Nothing comes from a master for a while, too short for it to be taken for dead. */
  async #delay(master: Member, writes: ConfirmedWrites): Promise<void> {
    master.proxy.hold();
    await delay((this.#options.sentinels.downAfterMs ?? 0) / DELAY_PART);
    master.proxy.pass();
    await writes.untilConfirmed(WRITES_MIN);
    this.outcome.delays++;
  }

  #choicesBefore = 0;

  /** Whether the sentinels have chosen once in this round, as they were made to. */
  get #hasOneChoice(): boolean {
    return this.#group.sentinels.choiceCount === this.#choicesBefore + 1;
  }

  #cutsSeen = 0;

  #takeCuts(): number {
    const cuts = this.#group.members.reduce((sum, { proxy }) => sum + proxy.cutCount, 0);
    const more = cuts - this.#cutsSeen;
    this.#cutsSeen = cuts;
    return more;
  }

  /** What the replicas have of that which one of them has confirmed, when their master is gone. */
  async #look(port: number, writes: ConfirmedWrites): Promise<Evidence> {
    const keys = writes.keys(1);
    const absences = new Map<number, Absence>();
    for (const other of this.#group.others(port)) {
      if (isStopped(other.server.pid)) continue;
      absences.set(other.port, await other.ask((client) => absenceOf(client, keys)));
    }
    // Who has another master already may have lost what it had; then nothing can be said.
    const isLate = [...absences.values()].some(({ masterPort }) => masterPort !== port);
    if (isLate) return { keys: [], absences };
    const unknown = keys.filter((key) => absences.values().every((one) => one.missing.has(key)));
    assertEquals(unknown, [], "confirmed, but no replica has it");
    return { keys, absences };
  }

  /** Compares what was confirmed with what a master has. */
  async #judge(writes: ConfirmedWrites, port: number, evidence: Evidence | null): Promise<void> {
    const { outcome } = this;
    const keys = writes.keys(1);
    const { missing } = await this.#group.member(port).ask((client) => absenceOf(client, keys));
    if (!this.#hasOneChoice) return;
    const everywhere = new Set(writes.keys(this.#group.members.length - 1));
    const seen = new Set(evidence?.keys);
    const behind = evidence?.absences.get(port)?.missing;
    const lost: string[] = [];
    for (const key of missing) {
      if (everywhere.has(key)) lost.push(key);
      else if (behind === undefined || !seen.has(key)) outcome.unjudged++;
      else if (behind.has(key)) outcome.passedOver++;
      else lost.push(key);
    }
    outcome.lost += lost.length;
    assertEquals(lost, [], `confirmed, but not in ${port}`);
  }
}

/** Has a server do nothing any more; who asks it then waits for ever. */
async function stop({ server }: Member): Promise<void> {
  server.child.kill("SIGSTOP");
  await until("the server is stopped", () => isStopped(server.pid));
}

function isStopped(pid: number): boolean {
  return /^State:\s+T/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
}
