/**
 * Publish and subscribe: SUBSCRIBE and its kin, PUBLISH, SPUBLISH, PUBSUB. The subscriptions and
 * the delivery are in observers/pubsub.ts.
 *
 * The answers of SUBSCRIBE and UNSUBSCRIBE are pushes, one for each channel: CLIENT REPLY OFF does
 * not suppress them.
 */
import { latin1Bytes, Slice } from "../base/bytes.ts";
import { matchGlob } from "../base/glob.ts";
import { scratch } from "../base/scratch.ts";
import type { Client } from "../session/client.ts";
import {
  REDIS_DENY_BLOCKING,
  REDIS_EXECUTING,
  REDIS_REPLY_OFF,
  REDIS_REPLY_SKIP,
} from "../session/client.ts";
import { PROPAGATE_REPL, rangeSpec, type RedisCommand } from "../session/command.ts";
import { commandError } from "../session/errors.ts";
import {
  shardSubscriptionCount,
  subscriptionCount,
  type SubscriptionKind,
} from "../observers/pubsub.ts";
import { replyHelp, wrongSubcommandArity } from "./help.ts";

const NO_KEYS = [0, 0, 0] as const;
const PUBSUB_FLAGS = ["pubsub", "loading", "stale"] as const;
const SUBSCRIBE_FLAGS = ["pubsub", "noscript", "loading", "stale"] as const;
const ONE_CHANNEL = { isOne: true, isPattern: false } as const;
const ALL_CHANNELS = { isOne: false, isPattern: false } as const;
const ALL_PATTERNS = { isOne: false, isPattern: true } as const;
const PUBLISH_FLAGS = ["pubsub", "loading", "stale", "fast", "may_replicate"] as const;

// deno-fmt-ignore
export const pubsubCommands: readonly RedisCommand[] = [
  { name: "subscribe", arity: -2, flags: SUBSCRIBE_FLAGS, keys: NO_KEYS,
    traits: ["allowed_in_subscribe"],
    proc: subscribeCommand, channels: ALL_CHANNELS, categories: [],
    since: "2.0.0", group: "pubsub",
    complexity: "O(N), N: channels that are named.",
    summary: "Listens for messages published to channels." },
  { name: "unsubscribe", arity: -1, flags: SUBSCRIBE_FLAGS, keys: NO_KEYS,
    traits: ["allowed_in_subscribe"],
    proc: unsubscribeCommand, categories: [],
    since: "2.0.0", group: "pubsub",
    complexity: "O(N), N: subscribers of the channels that are left.",
    summary: "Stops listening to channels, or to all of them." },
  { name: "psubscribe", arity: -2, flags: SUBSCRIBE_FLAGS, keys: NO_KEYS,
    traits: ["allowed_in_subscribe"],
    proc: psubscribeCommand, channels: ALL_PATTERNS, categories: [],
    since: "2.0.0", group: "pubsub",
    complexity: "O(N), N: patterns of the client before.",
    summary: "Listens for messages published to channels that match patterns." },
  { name: "punsubscribe", arity: -1, flags: SUBSCRIBE_FLAGS, keys: NO_KEYS,
    traits: ["allowed_in_subscribe"],
    proc: punsubscribeCommand, categories: [],
    since: "2.0.0", group: "pubsub",
    complexity: "O(N+M), N: patterns of the client, M: patterns of all clients.",
    summary: "Stops listening to patterns, or to all of them." },
  { name: "ssubscribe", arity: -2, flags: SUBSCRIBE_FLAGS, keys: [1, -1, 1], keySpecs: [rangeSpec("not_key", 1, -1)],
    traits: ["allowed_in_subscribe"],
    proc: ssubscribeCommand, channels: ALL_CHANNELS, categories: [], since: "7.0.0", group: "pubsub",
    complexity: "O(N), N: shard channels that are named.",
    summary: "Listens for messages published to shard channels." },
  { name: "sunsubscribe", arity: -1, flags: SUBSCRIBE_FLAGS, keys: [1, -1, 1], keySpecs: [rangeSpec("not_key", 1, -1)],
    traits: ["allowed_in_subscribe"],
    proc: sunsubscribeCommand, categories: [], since: "7.0.0", group: "pubsub",
    complexity: "O(N), N: subscribers of the shard channels that are left.",
    summary: "Stops listening to shard channels, or to all of them." },
  { name: "publish", arity: 3, flags: PUBLISH_FLAGS, keys: NO_KEYS,
    proc: publishCommand, channels: ONE_CHANNEL, categories: [],
    since: "2.0.0", group: "pubsub",
    complexity: "O(N+M), N: subscribers of the channel, M: patterns of all clients.",
    summary: "Sends a message to a channel." },
  { name: "spublish", arity: 3, flags: PUBLISH_FLAGS, keys: [1, 1, 1], keySpecs: [rangeSpec("not_key", 1, 0)],
    proc: spublishCommand, channels: ONE_CHANNEL, categories: [], since: "7.0.0", group: "pubsub",
    complexity: "O(N), N: subscribers of the shard channel.",
    summary: "Sends a message to those who listen to a shard channel." },
  { name: "pubsub", arity: -2, flags: [], keys: NO_KEYS,
    proc: pubsubHelpCommand, categories: [], since: "2.8.0",
    group: "pubsub", complexity: "That of the subcommand.",
    summary: "Tells about channels and subscribers.",
    subcommands: [
      { name: "pubsub|channels", arity: -2, flags: PUBSUB_FLAGS, keys: NO_KEYS,
        proc: pubsubChannelsCommand,
        categories: [], since: "2.8.0", group: "pubsub",
        complexity: "O(N), N: channels with subscribers, if pattern and names are not long.",
        summary: "Lists the channels that have subscribers." },
      { name: "pubsub|numsub", arity: -2, flags: PUBSUB_FLAGS, keys: NO_KEYS,
        proc: pubsubNumsubCommand,
        categories: [], since: "2.8.0", group: "pubsub",
        complexity: "O(N), N: channels that are named.",
        summary: "Returns how many subscribers channels have." },
      { name: "pubsub|numpat", arity: 2, flags: PUBSUB_FLAGS, keys: NO_KEYS,
        proc: pubsubNumpatCommand,
        categories: [], since: "2.8.0", group: "pubsub", complexity: "O(1)",
        summary: "Returns how many patterns have subscribers." },
      { name: "pubsub|shardchannels", arity: -2, flags: PUBSUB_FLAGS, keys: NO_KEYS,
        proc: pubsubShardchannelsCommand, categories: [], since: "7.0.0", group: "pubsub",
        complexity: "O(N), N: shard channels with subscribers, if pattern and names are not long.",
        summary: "Lists the shard channels that have subscribers." },
      { name: "pubsub|shardnumsub", arity: -2, flags: PUBSUB_FLAGS, keys: NO_KEYS,
        proc: pubsubShardnumsubCommand,
        categories: [], since: "7.0.0", group: "pubsub",
        complexity: "O(N), N: shard channels that are named.",
        summary: "Returns how many subscribers shard channels have." },
      { name: "pubsub|help", arity: 2, flags: ["loading", "stale"], keys: NO_KEYS,
        proc: pubsubHelpCommand,
        categories: [], since: "6.2.0", group: "pubsub", complexity: "O(1)",
        summary: "Lists the subcommands." },
    ] },
];

const HELP = [
  "CHANNELS [<pattern>]",
  "    Lists channels that somebody listens to, all or those that match (default: '*').",
  "NUMPAT",
  "    Counts the patterns that somebody listens to.",
  "NUMSUB [<channel> ...]",
  "    Counts who listens to each channel by its name; patterns are left out.",
  "SHARDCHANNELS [<pattern>]",
  "    As CHANNELS, for shard channels (default: '*').",
  "SHARDNUMSUB [<shardchannel> ...]",
  "    As NUMSUB, for shard channels.",
];

/** Words and counts that belong to a kind of subscription. */
interface Kind {
  kind: SubscriptionKind;
  subscribeWord: string;
  unsubscribeWord: string;
  count: (client: Client) => number;
  names: (client: Client) => ReadonlySet<string> | null;
}

const CHANNELS: Kind = {
  kind: "message",
  subscribeWord: "subscribe",
  unsubscribeWord: "unsubscribe",
  count: subscriptionCount,
  names: ({ channels }) => channels,
};
const PATTERNS: Kind = {
  kind: "pmessage",
  subscribeWord: "psubscribe",
  unsubscribeWord: "punsubscribe",
  count: subscriptionCount,
  names: ({ patterns }) => patterns,
};
const SHARD_CHANNELS: Kind = {
  kind: "smessage",
  subscribeWord: "ssubscribe",
  unsubscribeWord: "sunsubscribe",
  count: shardSubscriptionCount,
  names: ({ shardChannels }) => shardChannels,
};

function subscribeCommand(client: Client): void {
  subscribe(client, CHANNELS);
}

function psubscribeCommand(client: Client): void {
  subscribe(client, PATTERNS);
}

function ssubscribeCommand(client: Client): void {
  subscribe(client, SHARD_CHANNELS);
}

function unsubscribeCommand(client: Client): void {
  unsubscribe(client, CHANNELS);
}

function punsubscribeCommand(client: Client): void {
  unsubscribe(client, PATTERNS);
}

function sunsubscribeCommand(client: Client): void {
  unsubscribe(client, SHARD_CHANNELS);
}

function subscribe(client: Client, of: Kind): void {
  const { argv, host } = client;
  // Somebody who cannot wait for messages, but a transaction may subscribe its client.
  if (client.has(REDIS_DENY_BLOCKING) && !client.has(REDIS_EXECUTING)) {
    const name = of.subscribeWord.toUpperCase();
    throw commandError(`ERR ${name} isn't allowed for a DENY BLOCKING client`);
  }
  for (let index = 1; index < argv.count; index++) {
    const name = argv.text(index);
    host.pubsub.subscribe(client, of.kind, name);
    confirm(client, of.subscribeWord, name, of.count(client));
  }
}

function unsubscribe(client: Client, of: Kind): void {
  const { argv, host } = client;
  const names = argv.count === 1
    ? [...of.names(client) ?? []]
    : Array.from({ length: argv.count - 1 }, (_, index) => argv.text(index + 1));
  for (const name of names) {
    host.pubsub.unsubscribe(client, of.kind, name);
    confirm(client, of.unsubscribeWord, name, of.count(client));
  }
  if (names.length === 0) confirm(client, of.unsubscribeWord, null, of.count(client));
}

/** Tells the client of a subscription begun or ended; `name` is null if there was none to end. */
function confirm(client: Client, word: string, name: string | null, count: number): void {
  // Within a transaction it is an element of EXEC's answer.
  const isDropped = (client.flags & (REDIS_REPLY_OFF | REDIS_REPLY_SKIP)) !== 0;
  const reply = isDropped ? client.beginPush() : client.reply;
  reply.push(3);
  reply.bulkText(word);
  if (name === null) reply.nil();
  else reply.bulkText(name);
  reply.integer(count);
  client.endPush(reply);
}

const channel = scratch(new Slice());
const message = scratch(new Slice());

function publishCommand(client: Client): void {
  const { argv, reply, host } = client;
  argv.slice(1, channel);
  argv.slice(2, message);
  const receivers = host.pubsub.publish(channel, message);
  // Redis: a message goes to replicas, but not to the AOF.
  client.propagateInAnyCase(PROPAGATE_REPL);
  reply.integer(receivers);
}

function spublishCommand(client: Client): void {
  const { argv, reply, host } = client;
  argv.slice(1, channel);
  argv.slice(2, message);
  const receivers = host.pubsub.publishShard(channel, message);
  client.propagateInAnyCase(PROPAGATE_REPL);
  reply.integer(receivers);
}

function pubsubChannelsCommand(client: Client): void {
  replyMatching(client, client.host.pubsub.channels);
}

function pubsubShardchannelsCommand(client: Client): void {
  replyMatching(client, client.host.pubsub.shardChannels);
}

function replyMatching(client: Client, table: ReadonlyMap<string, unknown>): void {
  const { argv, reply } = client;
  if (argv.count > 3) throw wrongSubcommandArity(argv);
  const names = [...table.keys()].filter((name) => {
    if (argv.count === 2) return true;
    const bytes = latin1Bytes(name);
    return matchGlob(argv.bytes, argv.starts[2], argv.lengths[2], bytes, 0, bytes.length, false);
  });
  reply.array(names.length);
  for (const name of names) reply.bulkText(name);
}

function pubsubNumsubCommand(client: Client): void {
  replyCounts(client, client.host.pubsub.channels);
}

function pubsubShardnumsubCommand(client: Client): void {
  replyCounts(client, client.host.pubsub.shardChannels);
}

function replyCounts(
  { argv, reply }: Client,
  table: ReadonlyMap<string, ReadonlySet<unknown>>,
): void {
  reply.array((argv.count - 2) * 2);
  for (let index = 2; index < argv.count; index++) {
    const name = argv.text(index);
    reply.bulkText(name);
    reply.integer(table.get(name)?.size ?? 0);
  }
}

function pubsubNumpatCommand({ reply, host }: Client): void {
  reply.integer(host.pubsub.patterns.size);
}

function pubsubHelpCommand(client: Client): void {
  replyHelp(client, HELP);
}
