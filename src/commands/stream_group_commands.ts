/**
 * Stream group commands: XGROUP: making and removing groups and consumers.
 */
import * as clock from "../base/clock.ts";
import { EVENT_STREAM } from "../keyspace/keyspace_listener.ts";
import type { Ref } from "../memory/memory.ts";
import type { Client } from "../session/client.ts";
import type { RedisCommand } from "../session/command.ts";
import { commandError } from "../session/errors.ts";
import { Id128 } from "../structures/id128.ts";
import * as streamGroup from "../values/stream_group.ts";
import { UNKNOWN_ENTRIES_READ } from "../values/stream_group.ts";
import * as streamValue from "../values/stream_value.ts";
import * as value from "../values/value.ts";
import { ENCODING_STREAM, TYPE_STREAM } from "../values/value.ts";
import { bigIntegerArgument, typedForWrite } from "./arguments.ts";
import { replyHelp, wrongSubcommandArity } from "./help.ts";
import { idArgument, idOrEndArgument, isChar } from "./stream_arguments.ts";
import { groupArgument, noGroupOfKey } from "./stream_groups.ts";

// deno-fmt-ignore
export const streamGroupCommands: readonly RedisCommand[] = [
  { name: "xgroup", arity: -2, flags: [], keys: [0, 0, 0], proc: xgroupHelpCommand,
    categories: [], since: "5.0.0", group: "stream", complexity: "That of the subcommand.",
    summary: "Makes and removes groups of consumers.", subcommands: [
      { name: "xgroup|create", arity: -5, flags: ["write", "denyoom"], keys: [2, 2, 1],
        access: "RW insert", categories: ["@stream"], since: "5.0.0", group: "stream",
        proc: xgroupCreateCommand, complexity: "O(1)", summary: "Makes a group." },
      { name: "xgroup|setid", arity: -5, flags: ["write"], keys: [2, 2, 1],
        access: "RW update", categories: ["@stream"], since: "5.0.0", group: "stream",
        proc: xgroupSetidCommand, complexity: "O(1)",
        summary: "Sets the id behind which a group reads on." },
      { name: "xgroup|destroy", arity: 4, flags: ["write"], keys: [2, 2, 1],
        access: "RW delete", categories: ["@stream"], since: "5.0.0", group: "stream",
        proc: xgroupDestroyCommand,
        complexity: "O(N), N: pending entries of the group.",
        summary: "Removes a group." },
      { name: "xgroup|createconsumer", arity: 5, flags: ["write", "denyoom"], keys: [2, 2, 1],
        access: "RW insert", categories: ["@stream"], since: "6.2.0", group: "stream",
        proc: xgroupCreateconsumerCommand, complexity: "O(1)",
        summary: "Makes a consumer of a group." },
      { name: "xgroup|delconsumer", arity: 5, flags: ["write"], keys: [2, 2, 1],
        access: "RW delete", categories: ["@stream"], since: "5.0.0", group: "stream",
        proc: xgroupDelconsumerCommand, complexity: "O(1)",
        summary: "Removes a consumer with its pending entries." },
      { name: "xgroup|help", arity: 2, flags: ["loading", "stale"], keys: [0, 0, 0],
        categories: ["@stream"], since: "5.0.0", group: "stream", proc: xgroupHelpCommand,
        complexity: "O(1)", summary: "Lists the subcommands." },
    ] },
];

const HELP = [
  "CREATE <key> <groupname> <id|$> [option]",
  "    Makes a group that begins behind an id ($: behind the last entry).",
  "    * MKSTREAM",
  "      Make the stream as well, without entries, if it is missing.",
  "    * ENTRIESREAD entries_read",
  "      How many entries count as read; written to the AOF.",
  "CREATECONSUMER <key> <groupname> <consumer>",
  "    Adds a consumer to the group before it reads.",
  "DELCONSUMER <key> <groupname> <consumer>",
  "    Takes a consumer away, and what was pending for it.",
  "DESTROY <key> <groupname>",
  "    Takes the group away with all that is pending.",
  "SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]",
  "    Lets the group go on behind another id.",
];

const NO_KEY = commandError(
  "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to " +
    "use the MKSTREAM option to create an empty stream automatically.",
);
const NEGATIVE_ENTRIES_READ = commandError("ERR value for ENTRIESREAD must be positive or -1");
const GROUP_EXISTS = commandError("BUSYGROUP Consumer Group name already exists");

const DOLLAR = 36;
const KEY = 2;
const GROUP = 3;
const CONSUMER = 4;

const id = new Id128();

interface GroupOptions {
  createsKey: boolean;
  entriesRead: bigint;
}

/** Reads what follows the id of CREATE and SETID. */
function groupOptions({ argv }: Client, mayCreateKey: boolean): GroupOptions {
  const options = { createsKey: false, entriesRead: UNKNOWN_ENTRIES_READ };
  for (let index = 5; index < argv.count; index++) {
    if (mayCreateKey && argv.is(index, "mkstream")) {
      options.createsKey = true;
    } else if (argv.is(index, "entriesread") && index + 1 < argv.count) {
      options.entriesRead = bigIntegerArgument(argv, ++index);
      if (options.entriesRead < UNKNOWN_ENTRIES_READ) throw NEGATIVE_ENTRIES_READ;
    } else {
      throw wrongSubcommandArity(argv);
    }
  }
  return options;
}

/** The stream of the key; 0 if it is missing and may be created. */
function streamOf(client: Client, mayBeMissing: boolean): Ref {
  const entry = typedForWrite(client, KEY, TYPE_STREAM);
  if (entry === 0 && !mayBeMissing) throw NO_KEY;
  return entry === 0 ? 0 : value.valueRef(client.db.arena, entry);
}

/** The group of a key that must have it. */
function groupOf(client: Client, stream: Ref): Ref {
  const group = groupArgument(client, stream, GROUP);
  if (group === 0) throw noGroupOfKey(client, KEY, GROUP);
  return group;
}

/**
 * Counts and announces a change. Redis: watches of the key stay good, for its entries are what they
 * were.
 */
function announce({ db, argv }: Client, event: string): void {
  db.keyspace.dirty++;
  db.alsoEvent(argv, KEY, EVENT_STREAM, event);
}

function xgroupCreateCommand(client: Client): void {
  const { db, argv, reply } = client;
  const { arena, keyspace } = db;
  const { createsKey, entriesRead } = groupOptions(client, true);
  let stream = streamOf(client, createsKey);
  if (argv.count > 8) throw wrongSubcommandArity(argv);
  if (!isChar(argv, 4, DOLLAR)) idArgument(argv, 4, id);
  else if (stream === 0) id.set(0, 0, 0, 0);
  else streamValue.readLastId(arena, stream, id);
  const start = argv.starts[GROUP];
  const length = argv.lengths[GROUP];
  if (stream === 0) {
    stream = streamValue.create(arena);
    db.create(argv, KEY, TYPE_STREAM, ENCODING_STREAM, stream);
    keyspace.listener.keyChanged(db, argv.bytes, argv.starts[KEY], argv.lengths[KEY]);
  } else if (groupArgument(client, stream, GROUP) !== 0) {
    throw GROUP_EXISTS;
  }
  streamGroup.createGroup(arena, stream, argv.bytes, start, length, id, entriesRead);
  announce(client, "xgroup-create");
  reply.ok();
}

function xgroupSetidCommand(client: Client): void {
  const { db, argv, reply } = client;
  const { entriesRead } = groupOptions(client, false);
  const stream = streamOf(client, false);
  const group = groupOf(client, stream);
  if (argv.count !== 5 && argv.count !== 7) throw wrongSubcommandArity(argv);
  if (isChar(argv, 4, DOLLAR)) streamValue.readLastId(db.arena, stream, id);
  else idOrEndArgument(argv, 4, id);
  streamGroup.setLastDelivered(db.arena, group, id);
  streamGroup.setEntriesRead(db.arena, group, entriesRead);
  announce(client, "xgroup-setid");
  reply.ok();
}

function xgroupDestroyCommand(client: Client): void {
  const { db, argv, reply } = client;
  const stream = streamOf(client, false);
  const group = groupArgument(client, stream, GROUP);
  if (group === 0) return reply.integer(0);
  const shell = streamGroup.detachGroup(db.arena, stream, group);
  db.keyspace.reclaimer.freeValue(TYPE_STREAM, ENCODING_STREAM, shell);
  announce(client, "xgroup-destroy");
  const { listener } = db.keyspace;
  listener.keyReady(db, argv.bytes, argv.starts[KEY], argv.lengths[KEY], TYPE_STREAM);
  reply.integer(1);
}

function xgroupCreateconsumerCommand(client: Client): void {
  const { db, argv, reply } = client;
  const group = groupOf(client, streamOf(client, false));
  const start = argv.starts[CONSUMER];
  const length = argv.lengths[CONSUMER];
  const { bytes } = argv;
  const nowMs = clock.nowMs();
  if (streamGroup.createConsumer(db.arena, group, bytes, start, length, nowMs) === 0) {
    return reply.integer(0);
  }
  announce(client, "xgroup-createconsumer");
  reply.integer(1);
}

function xgroupDelconsumerCommand(client: Client): void {
  const { db, argv, reply } = client;
  const group = groupOf(client, streamOf(client, false));
  const start = argv.starts[CONSUMER];
  const length = argv.lengths[CONSUMER];
  const consumer = streamGroup.findConsumer(db.arena, group, argv.bytes, start, length);
  if (consumer === 0) return reply.integer(0);
  const pending = streamGroup.removeConsumer(db.arena, group, consumer);
  announce(client, "xgroup-delconsumer");
  reply.integer(pending);
}

function xgroupHelpCommand(client: Client): void {
  replyHelp(client, HELP);
}
