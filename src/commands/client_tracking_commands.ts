/**
 * CLIENT TRACKING, CACHING, TRACKINGINFO, GETREDIR: server-assisted client-side caching, seen from
 * the client. What is tracked, and the messages, are in observers/tracking.ts.
 */
import {
  type Client,
  REDIS_TRACKING,
  type TrackingOptions,
  type TrackingState,
} from "../session/client.ts";
import type { RedisCommand } from "../session/command.ts";
import { commandError, SYNTAX_ERROR } from "../session/errors.ts";
import { integerArgument } from "./arguments.ts";

const NO_KEYS = [0, 0, 0] as const;
const FLAGS = ["noscript", "loading", "stale"] as const;
const CATEGORIES = ["@connection"] as const;

// deno-fmt-ignore
export const clientTrackingRows: readonly RedisCommand[] = [
  { name: "client|tracking", arity: -3, flags: FLAGS, keys: NO_KEYS, proc: clientTrackingCommand,
    categories: CATEGORIES, since: "6.0.0", group: "connection",
    complexity: "O(1), and more if prefixes are given: each is compared with those there are.",
    summary: "Says whether this connection wants to hear of changes of keys it has read." },
  { name: "client|caching", arity: 3, flags: FLAGS, keys: NO_KEYS, proc: clientCachingCommand,
    categories: CATEGORIES, since: "6.0.0", group: "connection", complexity: "O(1)",
    summary: "Says whether the keys of the next command are tracked." },
  { name: "client|trackinginfo", arity: 2, flags: FLAGS, keys: NO_KEYS, proc: clientTrackinginfoCommand,
    categories: CATEGORIES, since: "6.2.0", group: "connection", complexity: "O(1)",
    summary: "Tells how tracking is set up for this connection." },
  { name: "client|getredir", arity: 2, flags: FLAGS, keys: NO_KEYS, proc: clientGetredirCommand,
    categories: CATEGORIES, since: "6.0.0", group: "connection", complexity: "O(1)",
    summary: "Returns the connection that gets the tracking messages." },
];

const REDIRECT_TWICE = commandError("ERR A client can only redirect to a single other client");
const NO_REDIRECT_TARGET = commandError("ERR The client ID you want redirect to does not exist");
const PREFIX_WITHOUT_BROADCAST = commandError(
  "ERR PREFIX option requires BCAST mode to be enabled",
);
const BROADCAST_SWITCHED = commandError(
  "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then " +
    "re-enabling it with a different mode.",
);
const BROADCAST_WITH_CHOICE = commandError("ERR OPTIN and OPTOUT are not compatible with BCAST");
const BOTH_CHOICES = commandError("ERR You can't specify both OPTIN mode and OPTOUT mode");
const CHOICE_SWITCHED = commandError(
  "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then " +
    "re-enabling it with a different mode.",
);
const CACHING_WITHOUT_CHOICE = commandError(
  "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT " +
    "mode enabled",
);
const CACHING_YES_WITHOUT_OPTIN = commandError(
  "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.",
);
const CACHING_NO_WITHOUT_OPTOUT = commandError(
  "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.",
);

function clientTrackingCommand(client: Client): void {
  const { argv, reply, host } = client;
  const { options, prefixes } = parseOptions(client);
  if (argv.is(2, "on")) {
    checkOptions(client.tracking, options, prefixes);
    if (options.isBroadcast) checkOverlaps(client.tracking?.prefixes ?? [], prefixes);
    host.tracking.enable(client, options, prefixes);
  } else if (argv.is(2, "off")) {
    host.tracking.disable(client);
  } else {
    throw SYNTAX_ERROR;
  }
  reply.ok();
}

function parseOptions({ argv, host }: Client): { options: TrackingOptions; prefixes: string[] } {
  const options: TrackingOptions = {
    redirectId: 0,
    isBroadcast: false,
    isOptIn: false,
    isOptOut: false,
    isNoLoop: false,
  };
  const prefixes: string[] = [];
  for (let index = 3; index < argv.count; index++) {
    const hasMore = index + 1 < argv.count;
    if (argv.is(index, "redirect") && hasMore) {
      if (options.redirectId !== 0) throw REDIRECT_TWICE;
      options.redirectId = integerArgument(argv, ++index);
      // Only when tracking is switched on would it matter, but Redis asks in any case.
      if (!host.clients.has(options.redirectId)) throw NO_REDIRECT_TARGET;
    } else if (argv.is(index, "bcast")) {
      options.isBroadcast = true;
    } else if (argv.is(index, "optin")) {
      options.isOptIn = true;
    } else if (argv.is(index, "optout")) {
      options.isOptOut = true;
    } else if (argv.is(index, "noloop")) {
      options.isNoLoop = true;
    } else if (argv.is(index, "prefix") && hasMore) {
      prefixes.push(argv.text(++index));
    } else {
      throw SYNTAX_ERROR;
    }
  }
  return { options, prefixes };
}

/** Whether the options go together, and with those in force. */
function checkOptions(
  old: TrackingState | null,
  { isBroadcast, isOptIn, isOptOut }: TrackingOptions,
  prefixes: readonly string[],
): void {
  if (!isBroadcast && prefixes.length > 0) throw PREFIX_WITHOUT_BROADCAST;
  if (old !== null && old.isBroadcast !== isBroadcast) throw BROADCAST_SWITCHED;
  if (isBroadcast && (isOptIn || isOptOut)) throw BROADCAST_WITH_CHOICE;
  if (isOptIn && isOptOut) throw BOTH_CHOICES;
  if ((isOptIn && old?.isOptOut === true) || (isOptOut && old?.isOptIn === true)) {
    throw CHOICE_SWITCHED;
  }
}

/** Of two prefixes of a client, none may begin with the other: keys would be announced twice. */
function checkOverlaps(old: readonly string[], prefixes: readonly string[]): void {
  for (const [index, prefix] of prefixes.entries()) {
    const existing = old.find((other) => overlaps(other, prefix));
    if (existing !== undefined) {
      throw commandError(
        `ERR Prefix '${prefix}' overlaps with an existing prefix '${existing}'. ` +
          "Prefixes for a single client must not overlap.",
      );
    }
    const provided = prefixes.slice(index + 1).find((other) => overlaps(prefix, other));
    if (provided !== undefined) {
      throw commandError(
        `ERR Prefix '${prefix}' overlaps with another provided prefix '${provided}'. ` +
          "Prefixes for a single client must not overlap.",
      );
    }
  }
}

function overlaps(one: string, other: string): boolean {
  return one.startsWith(other) || other.startsWith(one);
}

function clientCachingCommand(client: Client): void {
  const { argv, reply, tracking } = client;
  if (tracking === null || !(tracking.isOptIn || tracking.isOptOut)) throw CACHING_WITHOUT_CHOICE;
  if (argv.is(2, "yes")) {
    if (!tracking.isOptIn) throw CACHING_YES_WITHOUT_OPTIN;
  } else if (argv.is(2, "no")) {
    if (!tracking.isOptOut) throw CACHING_NO_WITHOUT_OPTOUT;
  } else {
    throw SYNTAX_ERROR;
  }
  tracking.isCachingSet = true;
  reply.ok();
}

function clientTrackinginfoCommand({ reply, tracking }: Client): void {
  const flags = tracking === null ? ["off"] : trackingFlags(tracking);
  reply.map(3);
  reply.bulkText("flags");
  reply.set(flags.length);
  for (const flag of flags) reply.bulkText(flag);
  reply.bulkText("redirect");
  reply.integer(tracking === null ? -1 : tracking.redirectId);
  reply.bulkText("prefixes");
  const prefixes = [...tracking?.prefixes ?? []].sort();
  reply.array(prefixes.length);
  for (const prefix of prefixes) reply.bulkText(prefix);
}

function trackingFlags(tracking: TrackingState): string[] {
  const flags = ["on"];
  if (tracking.isBroadcast) flags.push("bcast");
  if (tracking.isOptIn) flags.push("optin");
  if (tracking.isOptIn && tracking.isCachingSet) flags.push("caching-yes");
  if (tracking.isOptOut) flags.push("optout");
  if (tracking.isOptOut && tracking.isCachingSet) flags.push("caching-no");
  if (tracking.isNoLoop) flags.push("noloop");
  if (tracking.isRedirectBroken) flags.push("broken_redirect");
  return flags;
}

function clientGetredirCommand(client: Client): void {
  const isTracking = client.has(REDIS_TRACKING);
  client.reply.integer(isTracking ? client.tracking!.redirectId : -1);
}
