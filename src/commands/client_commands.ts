/**
 * CLIENT: what a connection is, and power over other connections. Client-side caching has a file of
 * its own (client_tracking_commands.ts).
 */
import { answersSince } from "../config/version.ts";
import { Reply } from "../protocol/reply.ts";
import {
  type Client,
  REDIS_CLOSE_AFTER_REPLY,
  REDIS_NO_EVICT,
  REDIS_NO_TOUCH,
  REDIS_REPLY_OFF,
  REDIS_REPLY_SKIP,
  REDIS_REPLY_SKIP_NEXT,
} from "../session/client.ts";
import { clientLine } from "../session/client_listing.ts";
import { ON_ALL_NODES, type RedisCommand } from "../session/command.ts";
import { commandError, SYNTAX_ERROR } from "../session/errors.ts";
import { bigIntegerArgument, integerArgument } from "./arguments.ts";
import { clientTrackingRows } from "./client_tracking_commands.ts";
import { type ClientFilter, clientFilterArguments } from "./client_filters.ts";
import { isClientName } from "./connection_commands.ts";
import { replyHelp, wrongSubcommandArity } from "./help.ts";

const NO_KEYS = [0, 0, 0] as const;
const FLAGS = ["noscript", "loading", "stale"] as const;
const ADMIN_FLAGS = ["admin", "noscript", "loading", "stale"] as const;
const CATEGORIES = ["@connection"] as const;

// deno-fmt-ignore
const subcommands: readonly RedisCommand[] = [
  { name: "client|id", arity: 2, flags: FLAGS, keys: NO_KEYS,
    proc: clientIdCommand, categories: CATEGORIES,
    since: "5.0.0", group: "connection", complexity: "O(1)",
    summary: "Returns the number of this connection." },
  { name: "client|info", arity: 2, flags: FLAGS, keys: NO_KEYS,
    proc: clientInfoCommand, categories: CATEGORIES,
    since: "6.2.0", group: "connection", complexity: "O(1)", tips: ["nondeterministic_output"],
    summary: "Describes this connection." },
  { name: "client|list", arity: -2, flags: ADMIN_FLAGS, keys: NO_KEYS, proc: clientListCommand,
    categories: CATEGORIES, since: "2.4.0", group: "connection",
    complexity: "O(N), N: connected clients.", tips: ["nondeterministic_output"],
    summary: "Describes all connections, or some." },
  { name: "client|kill", arity: -3, flags: ADMIN_FLAGS, keys: NO_KEYS, proc: clientKillCommand,
    categories: CATEGORIES, since: "2.4.0", group: "connection",
    complexity: "O(N), N: connected clients.", summary: "Ends connections." },
  { name: "client|getname", arity: 2, flags: FLAGS, keys: NO_KEYS, proc: clientGetnameCommand,
    categories: CATEGORIES, since: "2.6.9", group: "connection", complexity: "O(1)",
    summary: "Returns the name of this connection." },
  { name: "client|setname", arity: 3, flags: FLAGS, keys: NO_KEYS, proc: clientSetnameCommand,
    changedIn: ["7.2", { tips: ON_ALL_NODES }],
    categories: CATEGORIES, since: "2.6.9", group: "connection", complexity: "O(1)",
    summary: "Gives this connection a name." },
  { name: "client|setinfo", arity: 4, flags: FLAGS, keys: NO_KEYS, proc: clientSetinfoCommand,
    tips: ON_ALL_NODES,
    categories: CATEGORIES, since: "7.2.0", group: "connection", complexity: "O(1)",
    summary: "Notes the name or the version of the client library." },
  { name: "client|pause", arity: -3, flags: ADMIN_FLAGS, keys: NO_KEYS, proc: clientPauseCommand,
    categories: CATEGORIES, since: "2.9.50", group: "connection", complexity: "O(1)",
    summary: "Lets clients wait for a while, all of them or those that write." },
  { name: "client|unpause", arity: 2, flags: ADMIN_FLAGS, keys: NO_KEYS, proc: clientUnpauseCommand,
    categories: CATEGORIES, since: "6.2.0", group: "connection",
    complexity: "O(N), N: clients that wait for the end of the pause.",
    summary: "Lets paused clients go on." },
  { name: "client|reply", arity: 3, flags: FLAGS, keys: NO_KEYS,
    proc: clientReplyCommand, categories: CATEGORIES,
    since: "3.2.0", group: "connection", complexity: "O(1)",
    summary: "Says whether this connection wants replies." },
  { name: "client|no-evict", arity: 3, flags: ADMIN_FLAGS, keys: NO_KEYS,
    proc: clientNoEvictCommand,
    categories: CATEGORIES, since: "7.0.0", group: "connection", complexity: "O(1)",
    summary: "Protects this connection from being closed for lack of memory." },
  { name: "client|no-touch", arity: 3, flags: FLAGS, keys: NO_KEYS, proc: clientNoTouchCommand,
    categories: CATEGORIES, since: "7.2.0", group: "connection", complexity: "O(1)",
    summary: "Says whether commands of this connection count as accesses of keys." },
  // Only Redis's cloud has it. Clients of today ask for it on each connection, and log a refusal.
  { name: "client|maint_notifications", arity: -3, flags: FLAGS, keys: NO_KEYS,
    enabledBy: "acceptMaintNotifications", proc: clientMaintNotificationsCommand,
    categories: CATEGORIES, since: "8.0.0", group: "connection", complexity: "O(1)",
    summary: "Takes note that the client would hear of maintenance; it never will." },
  { name: "client|unblock", arity: -3, flags: ADMIN_FLAGS, keys: NO_KEYS,
    proc: clientUnblockCommand,
    categories: CATEGORIES, since: "5.0.0", group: "connection",
    complexity: "O(log N), N: connected clients.",
    summary: "Ends the wait of a client that a blocking command holds." },
  { name: "client|help", arity: 2, flags: ["loading", "stale"], keys: NO_KEYS,
    proc: clientHelpCommand,
    categories: CATEGORIES, since: "5.0.0", group: "connection", complexity: "O(1)",
    summary: "Lists the subcommands." },
  ...clientTrackingRows,
];

// deno-fmt-ignore
export const clientCommands: readonly RedisCommand[] = [
  { name: "client", arity: -2, flags: [], keys: NO_KEYS,
    traits: ["keeps_caching"],
    proc: clientHelpCommand, categories: [], since: "2.4.0",
    group: "connection", complexity: "That of the subcommand.",
    summary: "Tells about connections and manages them.",
    subcommands },
];

const HELP = [
  "CACHING (YES|NO)",
  "    Decides for the next command alone whether the keys it reads are tracked.",
  "GETREDIR",
  "    Tells who gets your invalidations: an ID, 0 for yourself, -1 without tracking.",
  "GETNAME",
  "    Tells the name that SETNAME gave.",
  "ID",
  "    Tells your number, which no other client ever gets.",
  "INFO",
  "    Shows your own line of CLIENT LIST.",
  "KILL <ip:port>",
  "    Closes the client that has this address.",
  "KILL <option> <value> [<option> <value> [...]]",
  "    Closes the clients that meet every option:",
  "    * ADDR (<ip:port>|<unixsocket>:0)",
  "      Those that come from here.",
  "    * LADDR (<ip:port>|<unixsocket>:0)",
  "      Those that arrived here.",
  "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
  "      Those of this kind.",
  "    * USER <username>",
  "      Those logged in under this name.",
  "    * MAXAGE <seconds>, IDLE <seconds>",
  "      Those connected, or silent, for as long, or longer.",
  "    * ID <id> [...], NAME, IP, DB, FLAGS, LIB-NAME, LIB-VER, CAPA <value>",
  "      Those of which it is true; with NOT- before the option, those of which it is not.",
  "    * SKIPME (YES|NO)",
  "      Whether to spare yourself (yes, unless you say NO).",
  "LIST [options ...]",
  "    Shows clients, one a line, all of them or:",
  "    * Options as for KILL.",
  "UNPAUSE",
  "    Ends a PAUSE early.",
  "PAUSE <timeout> [WRITE|ALL]",
  "    Lets commands wait for so many milliseconds; WRITE lets readers through.",
  "REPLY (ON|OFF|SKIP)",
  "    Turns replies to you on or off, or leaves out the next one.",
  "SETNAME <name>",
  "    Names yourself, for CLIENT LIST and the logs; an empty name takes it away.",
  "UNBLOCK <clientid> [TIMEOUT|ERROR]",
  "    Wakes a client that waits in a blocking command, as if its time were up.",
  "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]]",
  "         [OPTIN] [OPTOUT] [NOLOOP]",
  "    Has you told when keys change that you may have cached.",
  "TRACKINGINFO",
  "    Shows what TRACKING has set for you.",
  "NO-EVICT (ON|OFF)",
  "    Spares you when maxmemory-clients has clients closed.",
];

const INVALID_CLIENT_ID = commandError("ERR Invalid client ID");
const CLIENT_ID_TOO_SMALL = commandError("ERR client-id should be greater than 0");
const LIST_RULES = {
  skipsMe: false,
  badId: INVALID_CLIENT_ID,
  idMin: -Infinity,
  takesOneId: false,
};
const NO_SUCH_CLIENT = commandError("ERR No such client");
const INVALID_NAME = commandError(
  "ERR Client names cannot contain spaces, newlines or special characters.",
);
const INVALID_TIMEOUT = commandError("ERR timeout is not an integer or out of range");
const NEGATIVE_TIMEOUT = commandError("ERR timeout is negative");
const INVALID_PAUSE_MODE = commandError("ERR CLIENT PAUSE mode must be WRITE or ALL");
const INVALID_UNBLOCK_REASON = commandError(
  "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR",
);
const UNBLOCKED = commandError("UNBLOCKED client unblocked via CLIENT UNBLOCK");

function clientIdCommand({ id, reply }: Client): void {
  reply.integer(id);
}

function clientInfoCommand(client: Client): void {
  client.reply.verbatim(`${clientLine(client)}\n`);
}

function clientListCommand(client: Client): void {
  const { host, reply } = client;
  const { ids, tests, skipsMe } = clientFilterArguments(client, 2, LIST_RULES);
  // Line by line, for texts of thousands of clients would be moved by the garbage collector. Not in
  // the client's own reply, of which its line tells.
  const lines = new Reply();
  // Redis: whom ids name comes in their order.
  for (const each of ids?.map((id) => host.clients.get(id)) ?? host.clients.values()) {
    if (each === undefined || (skipsMe && each === client)) continue;
    if (tests.every((test) => test(each))) lines.rawText(`${clientLine(each)}\n`);
  }
  reply.verbatimFrom(lines);
}

function clientKillCommand(client: Client): void {
  const { argv, reply, host } = client;
  const isOldForm = argv.count === 3;
  const address = argv.text(2);
  const filter: ClientFilter = isOldForm
    ? { tests: [({ transport }) => transport.peerAddress === address], ids: null, skipsMe: false }
    : clientFilterArguments(client, 2, {
      skipsMe: true,
      badId: CLIENT_ID_TOO_SMALL,
      idMin: 1,
      // Redis: up to 7.0 whatever follows a number is the next option.
      takesOneId: !answersSince(host.config, "7.2"),
    });
  let count = 0;
  for (const candidate of [...host.clients.values()]) {
    if (filter.skipsMe && candidate === client) continue;
    if (!filter.tests.every((test) => test(candidate))) continue;
    count++;
    if (candidate === client) client.flags |= REDIS_CLOSE_AFTER_REPLY;
    else candidate.transport.close();
  }
  if (!isOldForm) reply.integer(count);
  else if (count > 0) reply.ok();
  else throw NO_SUCH_CLIENT;
}

/** Whether an argument is the first of two words; any other is a syntax error. */
function parseChoice({ argv }: Client, index: number, positive: string, negative: string): boolean {
  if (argv.is(index, positive)) return true;
  if (argv.is(index, negative)) return false;
  throw SYNTAX_ERROR;
}

function clientGetnameCommand({ name, reply }: Client): void {
  if (name === "") reply.nil();
  else reply.bulkText(name);
}

function clientSetnameCommand(client: Client): void {
  const name = client.argv.text(2);
  if (!isClientName(name)) throw INVALID_NAME;
  client.name = name;
  client.reply.ok();
}

function clientSetinfoCommand(client: Client): void {
  const { argv, reply } = client;
  const value = argv.text(3);
  const option = argv.text(2).toLowerCase();
  if (option !== "lib-name" && option !== "lib-ver") {
    throw commandError(`ERR Unrecognized option '${argv.quoted(2)}'`);
  }
  if (!isClientName(value)) {
    throw commandError(
      `ERR ${argv.text(2)} cannot contain spaces, newlines or special characters.`,
    );
  }
  if (option === "lib-name") client.libraryName = value;
  else client.libraryVersion = value;
  reply.ok();
}

function clientPauseCommand(client: Client): void {
  const { argv, reply, host } = client;
  let pausesAll = true;
  if (argv.count === 4) {
    if (argv.is(3, "write")) pausesAll = false;
    else if (!argv.is(3, "all")) throw INVALID_PAUSE_MODE;
  }
  if (argv.count > 4) throw SYNTAX_ERROR;
  const durationMs = integerArgument(argv, 2, INVALID_TIMEOUT);
  if (durationMs < 0) throw NEGATIVE_TIMEOUT;
  host.pause.start(durationMs, pausesAll);
  reply.ok();
}

function clientUnpauseCommand({ reply, host }: Client): void {
  reply.ok();
  host.pause.end();
}

function clientReplyCommand(client: Client): void {
  const { argv, reply } = client;
  if (argv.is(2, "on")) {
    client.flags &= ~(REDIS_REPLY_OFF | REDIS_REPLY_SKIP | REDIS_REPLY_SKIP_NEXT);
    reply.ok();
  } else if (argv.is(2, "off")) {
    client.flags |= REDIS_REPLY_OFF;
  } else if (argv.is(2, "skip")) {
    if (!client.has(REDIS_REPLY_OFF)) client.flags |= REDIS_REPLY_SKIP_NEXT;
  } else {
    throw SYNTAX_ERROR;
  }
}

function clientNoEvictCommand(client: Client): void {
  setFlag(client, REDIS_NO_EVICT);
}

function clientNoTouchCommand(client: Client): void {
  setFlag(client, REDIS_NO_TOUCH);
}

/** Sets or clears a flag as argument 2 says, ON or OFF. */
function setFlag(client: Client, flag: number): void {
  if (parseChoice(client, 2, "on", "off")) client.flags |= flag;
  else client.flags &= ~flag;
  client.reply.ok();
}

/** Nobody moves a server of ours elsewhere, so there is nothing to tell. */
function clientMaintNotificationsCommand(client: Client): void {
  parseChoice(client, 2, "on", "off");
  client.reply.ok();
}

function clientUnblockCommand(client: Client): void {
  const { argv, reply, host } = client;
  if (argv.count > 4) throw wrongSubcommandArity(argv);
  let isError = false;
  if (argv.count === 4) {
    if (argv.is(3, "error")) isError = true;
    else if (!argv.is(3, "timeout")) throw INVALID_UNBLOCK_REASON;
  }
  const target = host.clients.get(Number(bigIntegerArgument(argv, 2)));
  // Clients that CLIENT PAUSE holds have nothing to time out.
  if (target === undefined || target.blocked === null) {
    reply.integer(0);
    return;
  }
  // Redis: before 7.2 the command that waited has failed either way; with ERROR this one, too.
  if (isError || !answersSince(host.config, "7.2")) target.command!.failedCalls++;
  host.dispatcher.endBlocked(target, 0);
  if (isError) {
    host.dispatcher.replyError(target, UNBLOCKED);
    host.blocking.unblock(target);
    client.command!.failedCalls++;
  } else {
    host.blocking.expire(target);
  }
  target.transport.requestFlush();
  reply.integer(1);
}

function clientHelpCommand(client: Client): void {
  replyHelp(client, HELP);
}
