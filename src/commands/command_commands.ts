/**
 * COMMAND: what the server's commands are: rows of the command table, told to clients, tools and
 * the cluster proxies that must find the keys. What a client may do (ACL) has no influence here.
 */
import { asciiLower } from "../base/ascii.ts";
import { matchGlob } from "../base/glob.ts";
import { Argv } from "../protocol/argv.ts";
import type { Reply } from "../protocol/reply.ts";
import type { Client } from "../session/client.ts";
import type { CompiledCommand, KeySpec, RedisCommand } from "../session/command.ts";
import { categoriesOf, isCategory } from "../session/command_categories.ts";
import { commandError, SYNTAX_ERROR } from "../session/errors.ts";
import { hasKeys, keyPositions, keySpecsOf } from "../session/key_positions.ts";
import { type CommandArgument, type CommandDocument, commandDocument } from "./command_syntax.ts";
import { replyHelp } from "./help.ts";

const NO_KEYS = [0, 0, 0] as const;
const LOADING_STALE = ["loading", "stale"] as const;
const UNORDERED = ["nondeterministic_output_order"] as const;

// deno-fmt-ignore
export const commandCommands: readonly RedisCommand[] = [
  { name: "command", arity: -1, flags: LOADING_STALE, keys: NO_KEYS, proc: commandCommand,
    categories: ["@connection"],
    tips: UNORDERED, since: "2.8.13", group: "server",
    complexity: "O(N), N: commands in the table.",
    summary: "Describes all commands.", subcommands: [
      { name: "command|count", arity: 2, flags: LOADING_STALE, keys: NO_KEYS,
        proc: commandCountCommand,
        categories: ["@connection"], since: "2.8.13", group: "server", complexity: "O(1)",
        summary: "Counts the commands." },
      { name: "command|docs", arity: -2, flags: LOADING_STALE, keys: NO_KEYS,
        proc: commandDocsCommand,
        categories: ["@connection"], tips: UNORDERED, since: "7.0.0", group: "server",
        complexity: "O(N), N: commands that are asked for.",
        summary: "Returns the documentation of commands." },
      { name: "command|getkeys", arity: -4, flags: LOADING_STALE, keys: NO_KEYS,
        proc: commandGetkeysCommand,
        changedIn: ["7.2", { arity: -3 }],
        categories: ["@connection"], since: "2.8.13", group: "server",
        complexity: "O(N), N: arguments of the inner command.",
        summary: "Finds the keys in a whole command." },
      { name: "command|getkeysandflags", arity: -4, flags: LOADING_STALE, keys: NO_KEYS,
        proc: commandGetkeysandflagsCommand,
        changedIn: ["7.2", { arity: -3 }],
        categories: ["@connection"], since: "7.0.0", group: "server",
        complexity: "O(N), N: arguments of the inner command.",
        summary: "Finds the keys in a whole command, and what it does to them." },
      { name: "command|info", arity: -2, flags: LOADING_STALE, keys: NO_KEYS,
        proc: commandInfoCommand,
        categories: ["@connection"], tips: UNORDERED, since: "2.8.13", group: "server",
        complexity: "O(N), N: commands that are asked for.",
        summary: "Describes commands: arity, flags, keys, categories." },
      { name: "command|list", arity: -2, flags: LOADING_STALE, keys: NO_KEYS,
        proc: commandListCommand,
        categories: ["@connection"], tips: UNORDERED, since: "7.0.0", group: "server",
        complexity: "O(N), N: commands in the table.",
        summary: "Names the commands, all or some." },
      { name: "command|help", arity: 2, flags: LOADING_STALE, keys: NO_KEYS,
        proc: commandHelpCommand,
        categories: ["@connection"], since: "5.0.0", group: "server", complexity: "O(1)",
        summary: "Lists the subcommands." },
    ] },
];

const HELP = [
  "(no subcommand)",
  "    Describes every command: arity, flags, keys, categories.",
  "COUNT",
  "    Tells how many commands there are.",
  "LIST",
  "    Names them, or with FILTERBY some of them.",
  "INFO [<command-name> ...]",
  "    Describes the commands that are named, or every one, as COMMAND does.",
  "DOCS [<command-name> ...]",
  "    Explains the commands that are named, or every one: summary, history,",
  "    arguments.",
  "GETKEYS <full-command>",
  "    Tells which of the arguments are keys.",
  "GETKEYSANDFLAGS <full-command>",
  "    As GETKEYS, and what the command would do with each.",
];

/** The order in which COMMAND INFO names the flags; those it does not name are missing here. */
const SHOWN_FLAGS = [
  "write",
  "readonly",
  "denyoom",
  "admin",
  "pubsub",
  "noscript",
  "blocking",
  "loading",
  "stale",
  "skip_monitor",
  "skip_slowlog",
  "asking",
  "fast",
  "no_auth",
  "no_mandatory_keys",
  "no_async_loading",
  "no_multi",
  "movablekeys",
  "allow_busy",
] as const;

const INVALID_COMMAND = commandError("ERR Invalid command specified");
const NO_KEY_ARGUMENTS = commandError("ERR The command has no key arguments");
const INVALID_ARGUMENT_COUNT = commandError(
  "ERR Invalid number of arguments specified for command",
);

function commandCommand(client: Client): void {
  const { commands } = client.host;
  client.reply.array(commands.byName.size);
  for (const command of commands.byName.values()) replyInfo(client.reply, command);
}

function commandCountCommand({ reply, host }: Client): void {
  reply.integer(host.commands.byName.size);
}

function commandInfoCommand(client: Client): void {
  const { reply, argv, host } = client;
  if (argv.count === 2) return commandCommand(client);
  reply.array(argv.count - 2);
  for (let index = 2; index < argv.count; index++) {
    const command = host.commands.findByText(argv.text(index));
    if (command === null) reply.nil();
    else replyInfo(reply, command);
  }
}

function commandDocsCommand(client: Client): void {
  const { reply, argv, host } = client;
  const commands: CompiledCommand[] = [];
  if (argv.count === 2) commands.push(...host.commands.byName.values());
  for (let index = 2; index < argv.count; index++) {
    const command = host.commands.findByText(argv.text(index));
    if (command !== null) commands.push(command);
  }
  reply.map(commands.length);
  for (const command of commands) replyDocs(reply, command);
}

function commandListCommand(client: Client): void {
  const { reply, argv, host } = client;
  const isWanted = listFilter(client);
  // A command that rename-command has removed is in no list.
  const callable = [...host.commands.byName.values()]
    .flatMap((command) => [command, ...command.subcommandTable?.values() ?? []]);
  const wanted = callable.filter(isWanted);
  // Redis: the unfiltered list is a set, the filtered one an array.
  if (argv.count === 2) reply.set(wanted.length);
  else reply.array(wanted.length);
  for (const { name } of wanted) reply.bulkText(name);
}

/** What COMMAND LIST FILTERBY asks for. */
function listFilter({ argv }: Client): (command: RedisCommand) => boolean {
  if (argv.count === 2) return () => true;
  if (argv.count !== 5 || !argv.is(2, "filterby")) throw SYNTAX_ERROR;
  // There are no modules, so none of the commands comes from one.
  if (argv.is(3, "module")) return () => false;
  if (argv.is(3, "aclcat")) {
    const category = `@${asciiLower(argv.text(4))}`;
    if (!isCategory(category)) return () => false;
    return (command) => categoriesOf(command).includes(category);
  }
  if (!argv.is(3, "pattern")) throw SYNTAX_ERROR;
  const pattern = argv.copy(4);
  return ({ name }) => {
    const bytes = Argv.of(name).bytes;
    return matchGlob(pattern, 0, pattern.length, bytes, 0, bytes.length, true);
  };
}

function commandGetkeysCommand(client: Client): void {
  const { reply, argv } = client;
  const positions = keyPositions(...wholeCommand(client));
  reply.array(positions.length);
  for (const { index } of positions) {
    reply.bulk(argv.bytes, argv.starts[index + 2], argv.lengths[index + 2]);
  }
}

function commandGetkeysandflagsCommand(client: Client): void {
  const { reply, argv } = client;
  const positions = keyPositions(...wholeCommand(client));
  reply.array(positions.length);
  for (const { index, flags } of positions) {
    reply.array(2);
    reply.bulk(argv.bytes, argv.starts[index + 2], argv.lengths[index + 2]);
    replyWords(reply, flags.filter((flag) => flag !== ""));
  }
}

/** The command that the arguments from the third on spell, and these arguments. */
function wholeCommand({ argv, host }: Client): [CompiledCommand, Argv] {
  const inner = new Argv();
  inner.bytes = argv.bytes;
  for (let index = 2; index < argv.count; index++) {
    inner.add(argv.starts[index], argv.lengths[index]);
  }
  let command = host.commands.find(inner, 0) ?? undefined;
  if (command?.subcommandTable && inner.count > 1) {
    command = command.subcommandTable.get(asciiLower(inner.text(1)));
  }
  if (command === undefined) throw INVALID_COMMAND;
  if (!hasKeys(command)) throw NO_KEY_ARGUMENTS;
  const { arity } = command;
  if (arity > 0 ? inner.count !== arity : inner.count < -arity) throw INVALID_ARGUMENT_COUNT;
  return [command, inner];
}

function commandHelpCommand(client: Client): void {
  replyHelp(client, HELP);
}

/** A set of words, as status replies. */
function replyWords(reply: Reply, words: readonly string[]): void {
  reply.set(words.length);
  for (const word of words) reply.simple(word);
}

/** One element of COMMAND INFO. */
function replyInfo(reply: Reply, command: CompiledCommand): void {
  const { flags, keys, tips = [] } = command;
  const subcommands = [...command.subcommandTable?.values() ?? []];
  reply.array(10);
  reply.bulkText(command.name);
  reply.integer(command.arity);
  replyWords(reply, SHOWN_FLAGS.filter((flag) => flags.includes(flag)));
  for (const number of keys) reply.integer(number);
  replyWords(reply, categoriesOf(command));
  reply.set(tips.length);
  for (const tip of tips) reply.bulkText(tip);
  const specs = keySpecsOf(command);
  reply.set(specs.length);
  for (const spec of specs) replySpec(reply, spec);
  // Redis: no subcommands are an empty set, some are an array.
  if (subcommands.length === 0) reply.set(0);
  else reply.array(subcommands.length);
  for (const subcommand of subcommands) replyInfo(reply, subcommand);
}

function replySpec(reply: Reply, { flags, begin, find, notes }: KeySpec): void {
  reply.map(notes === undefined ? 3 : 4);
  if (notes !== undefined) {
    reply.bulkText("notes");
    reply.bulkText(notes);
  }
  reply.bulkText("flags");
  replyWords(reply, flags);
  reply.bulkText("begin_search");
  if (begin === "unknown") replySearch(reply, "unknown", []);
  else if ("index" in begin) replySearch(reply, "index", [["index", begin.index]]);
  else replySearch(reply, "keyword", [["keyword", begin.keyword], ["startfrom", begin.from]]);
  reply.bulkText("find_keys");
  if (find === "unknown") {
    replySearch(reply, "unknown", []);
  } else if ("lastKey" in find) {
    const { lastKey, step, limit } = find;
    replySearch(reply, "range", [["lastkey", lastKey], ["keystep", step], ["limit", limit]]);
  } else {
    replySearch(reply, "keynum", [
      ["keynumidx", find.keyNumberIndex],
      ["firstkey", find.firstKey],
      ["keystep", find.step],
    ]);
  }
}

/** How a spec searches: the kind of search and its parameters. */
function replySearch(reply: Reply, type: string, fields: [string, string | number][]): void {
  reply.map(2);
  reply.bulkText("type");
  reply.bulkText(type);
  reply.bulkText("spec");
  reply.map(fields.length);
  for (const [name, field] of fields) {
    reply.bulkText(name);
    if (typeof field === "string") reply.bulkText(field);
    else reply.integer(field);
  }
}

/** One pair of COMMAND DOCS: the name and what is documented. */
function replyDocs(reply: Reply, command: RedisCommand): void {
  const { subcommands = [] } = command;
  const document = commandDocument(command.name);
  reply.bulkText(command.name);
  const mark = reply.deferArray();
  let count = 0;
  const field = (name: string, text: string) => {
    if (text === "") return;
    reply.bulkText(name);
    reply.bulkText(text);
    count++;
  };
  field("summary", command.summary);
  field("since", command.since);
  field("group", command.group);
  field("complexity", command.complexity);
  if (document !== null) {
    if (document.flags.length > 0) {
      reply.bulkText("doc_flags");
      replyWords(reply, document.flags);
      count++;
    }
    field("deprecated_since", document.deprecatedSince);
    field("replaced_by", document.replacedBy);
    count += replyHistory(reply, document.history);
    count += replyArguments(reply, document.arguments);
  }
  if (subcommands.length > 0) {
    reply.bulkText("subcommands");
    reply.map(subcommands.length);
    for (const subcommand of subcommands) replyDocs(reply, subcommand);
    count++;
  }
  reply.endDeferredMap(mark, count);
}

/** The field `history`, if there is any. Returns the number of fields replied. */
function replyHistory(reply: Reply, history: CommandDocument["history"]): number {
  if (history.length === 0) return 0;
  reply.bulkText("history");
  reply.set(history.length);
  for (const [version, what] of history) {
    reply.array(2);
    reply.bulkText(version);
    reply.bulkText(what);
  }
  return 1;
}

/** The field `arguments`, if there are any. Returns the number of fields replied. */
function replyArguments(reply: Reply, list: readonly CommandArgument[]): number {
  if (list.length === 0) return 0;
  reply.bulkText("arguments");
  reply.array(list.length);
  for (const argument of list) replyArgument(reply, argument);
  return 1;
}

function replyArgument(reply: Reply, argument: CommandArgument): void {
  const { keySpecIndex, flags } = argument;
  const mark = reply.deferArray();
  let count = 0;
  const field = (name: string, text: string) => {
    reply.bulkText(name);
    reply.bulkText(text);
    count++;
  };
  field("name", argument.name);
  field("type", argument.type);
  if (keySpecIndex >= 0) {
    reply.bulkText("key_spec_index");
    reply.integer(keySpecIndex);
    count++;
  }
  if (argument.token !== null) field("token", argument.token);
  if (argument.since !== "") field("since", argument.since);
  if (argument.deprecatedSince !== "") field("deprecated_since", argument.deprecatedSince);
  if (flags.length > 0) {
    reply.bulkText("flags");
    replyWords(reply, flags);
    count++;
  }
  count += replyArguments(reply, argument.arguments);
  reply.endDeferredMap(mark, count);
}
