/**
 * ACL: users and what they may do. The rules, the checks and the file are in server/acl*.ts.
 */
import { answersSince } from "../config/version.ts";
import * as clock from "../base/clock.ts";
import { hexId } from "../base/random.ts";
import { Argv } from "../protocol/argv.ts";
import type { Denial } from "../access/acl_check.ts";
import {
  describeChannels,
  describeCommands,
  describeKeys,
  userFlags,
} from "../access/acl_description.ts";
import { loadAclFile, saveAclFile } from "../access/acl_file.ts";
import type { AclLogEntry } from "../access/acl_log.ts";
import { applyUserRule, hasSpaces, mergeSelectors } from "../access/acl_rules.ts";
import type { AclSelector } from "../session/acl_user.ts";
import type { Client } from "../session/client.ts";
import { type CompiledCommand, ON_ALL_NODES, type RedisCommand } from "../session/command.ts";
import { CATEGORIES, categoriesOf, isCategory } from "../session/command_categories.ts";
import type { CommandTable } from "../session/command_table.ts";
import { commandError, wrongArity } from "../session/errors.ts";
import { integerArgument } from "./arguments.ts";
import { replyHelp, wrongSubcommandArity } from "./help.ts";

const NO_KEYS = [0, 0, 0] as const;
const FLAGS = ["noscript", "loading", "stale"] as const;
const ADMIN_FLAGS = ["admin", "noscript", "loading", "stale"] as const;

// deno-fmt-ignore
const subcommands: readonly RedisCommand[] = [
  { name: "acl|cat", arity: -2, flags: FLAGS, keys: NO_KEYS,
    proc: aclCatCommand, categories: [], since: "6.0.0",
    group: "server", complexity: "O(1): the categories and the commands in them are fixed when the server starts.",
    summary: "Lists the categories, or the commands of one." },
  { name: "acl|deluser", arity: -3, flags: ADMIN_FLAGS, keys: NO_KEYS,
    proc: aclDeluserCommand, categories: [],
    changedIn: ["7.2", { tips: ON_ALL_NODES }],
    since: "6.0.0", group: "server",
    complexity: "O(1) for each user, amortized.",
    summary: "Removes users and ends their connections." },
  { name: "acl|dryrun", arity: -4, flags: ADMIN_FLAGS, keys: NO_KEYS,
    proc: aclDryrunCommand, categories: [],
    since: "7.0.0", group: "server", complexity: "O(1).",
    summary: "Tells whether a user may run a command, without running it." },
  { name: "acl|genpass", arity: -2, flags: FLAGS, keys: NO_KEYS,
    proc: aclGenpassCommand, categories: [],
    since: "6.0.0", group: "server", complexity: "O(1)",
    summary: "Makes a password that nobody can guess." },
  { name: "acl|getuser", arity: 3, flags: ADMIN_FLAGS, keys: NO_KEYS,
    proc: aclGetuserCommand, categories: [],
    since: "6.0.0", group: "server",
    complexity: "O(N), N: the user's passwords, patterns and command rules.",
    summary: "Returns the rules of a user." },
  { name: "acl|list", arity: 2, flags: ADMIN_FLAGS, keys: NO_KEYS,
    proc: aclListCommand, categories: [],
    since: "6.0.0", group: "server", complexity: "O(N), N: the users there are.",
    summary: "Returns all users as lines of the ACL file." },
  { name: "acl|load", arity: 2, flags: ADMIN_FLAGS, keys: NO_KEYS,
    proc: aclLoadCommand, categories: [],
    since: "6.0.0", group: "server", complexity: "O(N), N: the users there are.",
    summary: "Reads the ACL file again." },
  { name: "acl|log", arity: -2, flags: ADMIN_FLAGS, keys: NO_KEYS,
    proc: aclLogCommand, categories: [],
    since: "6.0.0", group: "server", complexity: "O(N), N: the entries that are returned.",
    summary: "Returns what users were refused lately." },
  { name: "acl|save", arity: 2, flags: ADMIN_FLAGS, keys: NO_KEYS,
    proc: aclSaveCommand, categories: [],
    changedIn: ["7.2", { tips: ON_ALL_NODES }],
    since: "6.0.0", group: "server", complexity: "O(N), N: the users there are.",
    summary: "Writes all users to the ACL file." },
  { name: "acl|setuser", arity: -3, flags: ADMIN_FLAGS, keys: NO_KEYS,
    proc: aclSetuserCommand, isSecret: (_argv, index) => index >= 2, categories: [],
    changedIn: ["7.2", { tips: ON_ALL_NODES }],
    since: "6.0.0", group: "server", complexity: "O(N), N: the rules that are given.",
    summary: "Creates a user, or changes one, by rules." },
  { name: "acl|users", arity: 2, flags: ADMIN_FLAGS, keys: NO_KEYS,
    proc: aclUsersCommand, categories: [],
    since: "6.0.0", group: "server", complexity: "O(N), N: the users there are.",
    summary: "Lists the names of all users." },
  { name: "acl|whoami", arity: 2, flags: FLAGS, keys: NO_KEYS,
    proc: aclWhoamiCommand, categories: [],
    since: "6.0.0", group: "server", complexity: "O(1)",
    summary: "Returns the user of this connection." },
  { name: "acl|help", arity: 2, flags: ["loading", "stale"], keys: NO_KEYS,
    proc: aclHelpCommand, categories: [],
    since: "6.0.0", group: "server", complexity: "O(1)", summary: "Lists the subcommands." },
];

// deno-fmt-ignore
export const aclCommands: readonly RedisCommand[] = [
  { name: "acl", arity: -2, flags: [], keys: NO_KEYS,
    proc: aclHelpCommand, categories: [], since: "6.0.0",
    group: "server", complexity: "That of the subcommand.",
    summary: "Manages users and their permissions.",
    subcommands },
];

const HELP = [
  "CAT [<category>]",
  "    Names the categories, or with an argument what is in that one.",
  "DELUSER <username> [<username> ...]",
  "    Removes users and closes their connections.",
  "DRYRUN <username> <command> [<arg> ...]",
  "    Checks permissions only: says OK, or what the user lacks for this call.",
  "GETUSER <username>",
  "    Shows flags, password hashes and rules of a user.",
  "GENPASS [<bits>]",
  "    Makes up a password from random bits (default: 256), written in",
  "    hexadecimal.",
  "LIST",
  "    Shows each user as a line that an ACL file could hold.",
  "LOAD",
  "    Takes the users from the ACL file in place of those there are.",
  "LOG [<count> | RESET]",
  "    Shows what was denied lately, the newest first, or forgets it.",
  "SAVE",
  "    Writes the users to the ACL file.",
  "SETUSER <username> <attribute> [<attribute> ...]",
  "    Changes a user by rules, from left to right; makes one that is missing.",
  "USERS",
  "    Names the users.",
  "WHOAMI",
  "    Tells as which user you are logged in.",
];

const PASSWORD_BITS = 256;
const PASSWORD_BITS_MAX = 4096;
const WRONG_PASSWORD_BITS = commandError(
  "ERR ACL GENPASS argument must be the number of bits for the output password, a positive number " +
    `up to ${PASSWORD_BITS_MAX}`,
);
const DEFAULT_STAYS = commandError("ERR The 'default' user cannot be removed");
const SPACES_IN_NAME = commandError("ERR Usernames can't contain spaces or null characters");
const LOG_ENTRIES_SHOWN = 10;

function aclSetuserCommand(client: Client): void {
  const { argv, reply, host: { acl } } = client;
  const name = argv.text(2);
  if (hasSpaces(name)) throw SPACES_IN_NAME;
  const words = Array.from({ length: argv.count - 3 }, (_, index) => argv.text(index + 3));
  const merged = mergeSelectors(words);
  if ("unmatched" in merged) {
    throw commandError(
      `ERR Unmatched parenthesis in acl selector starting at '${merged.unmatched}'.`,
    );
  }
  // All rules or none: they are tried on a copy.
  const user = acl.find(name)?.copy() ?? acl.createUser(name);
  for (const rule of merged.rules) {
    const reason = applyUserRule(user, rule, acl);
    if (reason !== null) {
      throw commandError(`ERR Error in ACL SETUSER modifier '${rule}': ${reason}`);
    }
  }
  acl.put(user);
  reply.ok();
}

function aclDeluserCommand({ argv, reply, host: { acl } }: Client): void {
  let count = 0;
  for (let index = 2; index < argv.count; index++) {
    const name = argv.text(index);
    if (name === "default") throw DEFAULT_STAYS;
    if (acl.remove(name)) count++;
  }
  reply.integer(count);
}

function aclGetuserCommand(client: Client): void {
  const { argv, reply, host: { acl } } = client;
  const user = acl.find(argv.text(2));
  if (user === null) {
    reply.nil();
    return;
  }
  reply.map(6);
  reply.bulkText("flags");
  const flags = userFlags(user);
  reply.set(flags.length);
  for (const flag of flags) reply.bulkText(flag);
  reply.bulkText("passwords");
  reply.array(user.passwords.length);
  for (const hash of user.passwords) reply.bulkText(hash);
  replySelector(client, user.root);
  reply.bulkText("selectors");
  reply.array(user.selectors.length);
  for (const selector of user.selectors) {
    reply.map(3);
    replySelector(client, selector);
  }
}

/** Three pairs: commands, keys, channels. */
function replySelector({ reply, host }: Client, selector: AclSelector): void {
  reply.bulkText("commands");
  reply.bulkText(describeCommands(selector, host.acl.wording));
  reply.bulkText("keys");
  reply.bulkText(describeKeys(selector));
  reply.bulkText("channels");
  reply.bulkText(describeChannels(selector));
}

function aclListCommand({ reply, host: { acl } }: Client): void {
  const users = acl.users();
  reply.array(users.length);
  for (const user of users) reply.bulkText(`user ${user.name} ${acl.describe(user)}`);
}

function aclUsersCommand({ reply, host: { acl } }: Client): void {
  const users = acl.users();
  reply.array(users.length);
  for (const { name } of users) reply.bulkText(name);
}

function aclWhoamiCommand({ reply, userName }: Client): void {
  reply.bulkText(userName);
}

function aclCatCommand({ argv, reply, host }: Client): void {
  if (argv.count > 3) throw wrongSubcommandArity(argv);
  if (argv.count === 2) {
    reply.array(CATEGORIES.length);
    for (const category of CATEGORIES) reply.bulkText(category.slice(1));
    return;
  }
  const category = `@${argv.text(2).toLowerCase()}`;
  if (!isCategory(category)) {
    throw commandError(`ERR Unknown category '${argv.quoted(2)}'`);
  }
  const names = host.commands.all
    .filter((command) => categoriesOf(command).includes(category))
    .map(({ name }) => name);
  reply.array(names.length);
  for (const name of names) reply.bulkText(name);
}

function aclGenpassCommand({ argv, reply }: Client): void {
  let bits = PASSWORD_BITS;
  if (argv.count === 3) {
    bits = integerArgument(argv, 2);
    if (bits <= 0 || bits > PASSWORD_BITS_MAX) throw WRONG_PASSWORD_BITS;
  }
  reply.bulkText(hexId(Math.ceil(bits / 4)));
}

function aclLogCommand(client: Client): void {
  const { argv, reply, host: { acl } } = client;
  if (argv.count === 3 && argv.is(2, "reset")) {
    acl.log.reset();
    reply.ok();
    return;
  }
  let count = LOG_ENTRIES_SHOWN;
  if (argv.count === 3) count = Math.max(0, integerArgument(argv, 2));
  const entries = acl.log.newest(count);
  reply.array(entries.length);
  for (const entry of entries) replyLogEntry(client, entry);
}

function replyLogEntry({ host, reply }: Client, entry: AclLogEntry): void {
  const isLater = answersSince(host.config, "7.2");
  reply.map(isLater ? 10 : 7);
  reply.bulkText("count");
  reply.integer(entry.count);
  reply.bulkText("reason");
  reply.bulkText(entry.reason);
  reply.bulkText("context");
  reply.bulkText(entry.context);
  reply.bulkText("object");
  reply.bulkText(entry.object);
  reply.bulkText("username");
  reply.bulkText(entry.userName);
  reply.bulkText("age-seconds");
  reply.double((clock.nowMs() - entry.timeMs) / 1000);
  reply.bulkText("client-info");
  reply.bulkText(entry.clientInfo);
  if (!isLater) return;
  reply.bulkText("entry-id");
  reply.integer(entry.id);
  reply.bulkText("timestamp-created");
  reply.integer(entry.createdMs);
  reply.bulkText("timestamp-last-updated");
  reply.integer(entry.timeMs);
}

function aclLoadCommand({ reply, host }: Client): void {
  const error = loadAclFile(host);
  if (error !== null) throw commandError(`ERR ${error}`);
  reply.ok();
}

function aclSaveCommand({ reply, host }: Client): void {
  const error = saveAclFile(host);
  if (error !== null) throw commandError(`ERR ${error}`);
  reply.ok();
}

function aclDryrunCommand(client: Client): void {
  const { argv, reply, host: { acl, commands, config } } = client;
  const user = acl.find(argv.text(2));
  if (user === null) throw commandError(`ERR User '${argv.quoted(2)}' not found`);
  const parts = Array.from({ length: argv.count - 3 }, (_, index) => argv.copy(index + 3));
  const wanted = Argv.of(...parts);
  const command = findCommand(commands, wanted);
  const { arity } = command;
  if (arity > 0 ? wanted.count !== arity : wanted.count < -arity) throw wrongArity(command.name);
  const denial = acl.dryRun(user, command, wanted);
  if (denial === null) reply.ok();
  else {
    const who = answersSince(config, "7.2") ? `User ${user.name}` : "This user";
    reply.bulkText(`${who} has no permissions to ${whatIsDenied(denial, command, wanted)}`);
  }
}

/** The command or subcommand that the arguments name. */
function findCommand(table: CommandTable, wanted: Argv): CompiledCommand {
  const command = table.find(wanted, 0);
  const subcommand = command !== null && command.subcommandTable !== null && wanted.count > 1
    ? command.subcommandTable.get(wanted.text(1).toLowerCase()) ?? null
    : command;
  if (subcommand === null) throw commandError(`ERR Command '${wanted.quoted(0)}' not found`);
  return subcommand;
}

function whatIsDenied({ reason, index }: Denial, command: CompiledCommand, wanted: Argv): string {
  if (reason === "command") return `run the '${command.name}' command`;
  return `access the '${wanted.text(index)}' ${reason === "key" ? "key" : "channel"}`;
}

function aclHelpCommand(client: Client): void {
  replyHelp(client, HELP);
}
