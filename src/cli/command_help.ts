/**
 * Help on the commands of the server that the client talks to, made of its COMMAND DOCS: the text
 * of `help`, completion of names, and the hint at arguments not yet typed.
 *
 * A hint is the syntax minus as many words as have been typed, and stops at the first argument that
 * may be left out: it counts, it does not understand.
 */
import { latin1Text } from "../base/bytes.ts";
import type { Reply } from "../protocol/reply_reader.ts";

export interface HelpEntry {
  /** In capitals, as "CONFIG GET". */
  readonly name: string;
  readonly wordCount: number;
  /** The arguments, as `key value [NX|XX]`. */
  readonly syntax: string;
  readonly summary: string;
  readonly since: string;
  readonly group: string;
}

/** A map of RESP3, or the flat array that RESP2 has for it; empty for anything else. */
function fieldsOf(reply: Reply | undefined): Map<string, Reply> {
  const fields = new Map<string, Reply>();
  if (reply === undefined || !("items" in reply)) return fields;
  for (let i = 0; i + 1 < reply.items.length; i += 2) {
    fields.set(textOf(reply.items[i]), reply.items[i + 1]!);
  }
  return fields;
}

function textOf(reply: Reply | undefined): string {
  return reply !== undefined && "bytes" in reply
    ? latin1Text(reply.bytes, 0, reply.bytes.length)
    : "";
}

function itemsOf(reply: Reply | undefined): readonly Reply[] {
  return reply !== undefined && "items" in reply ? reply.items : [];
}

/** The notation of one argument: `[EX seconds|PX milliseconds]`. */
function formatArgument(argument: Reply): string {
  const fields = fieldsOf(argument);
  const type = textOf(fields.get("type"));
  // MIGRATE has an empty word for a token.
  const token = fields.has("token") ? textOf(fields.get("token")) || '""' : null;
  const flags = itemsOf(fields.get("flags")).map(textOf);
  const parts = itemsOf(fields.get("arguments")).map(formatArgument);
  let text = type === "block"
    ? parts.join(" ")
    : type === "oneof"
    ? parts.join("|")
    : type === "pure-token"
    ? ""
    : textOf(fields.get("name"));
  if (flags.includes("multiple")) {
    const again = flags.includes("multiple_token") ? `${token} ${text}` : text;
    text = `${text} [${again} ...]`;
  }
  if (token !== null) text = text === "" ? token : `${token} ${text}`;
  return flags.includes("optional") ? `[${text}]` : text;
}

function entriesOf(name: string, docs: Reply): HelpEntry[] {
  const fields = fieldsOf(docs);
  const words = name.toUpperCase().split("|");
  const entries: HelpEntry[] = [{
    name: words.join(" "),
    wordCount: words.length,
    syntax: itemsOf(fields.get("arguments")).map(formatArgument).join(" "),
    summary: textOf(fields.get("summary")),
    since: textOf(fields.get("since")),
    group: textOf(fields.get("group")),
  }];
  for (const [subname, subdocs] of fieldsOf(fields.get("subcommands"))) {
    entries.push(...entriesOf(subname, subdocs));
  }
  return entries;
}

function helpText(entry: HelpEntry, withGroup: boolean): string {
  const { name, syntax, summary, since, group } = entry;
  return `\r\n  \x1b[1m${name}\x1b[0m \x1b[90m${syntax}\x1b[0m\r\n` +
    `  \x1b[33msummary:\x1b[0m ${summary}\r\n` +
    `  \x1b[33msince:\x1b[0m ${since}\r\n` +
    (withGroup ? `  \x1b[33mgroup:\x1b[0m ${group}\r\n` : "");
}

const GENERIC_HELP = `To get help about Redis commands type:
      "help @<group>" to get a list of commands in <group>
      "help <command>" for help on <command>
      "help <tab>" to get a list of possible help topics
      "quit" to exit

To set preferences of this session:
      ":set hints" enable online hints
      ":set nohints" disable online hints
`;

export class CommandHelp {
  /** In order of names. */
  readonly entries: readonly HelpEntry[];
  readonly #topics: readonly string[];

  /** `docs` is the reply to COMMAND DOCS; anything else makes a help that knows nothing. */
  constructor(docs: Reply) {
    const entries: HelpEntry[] = [];
    for (const [name, each] of fieldsOf(docs)) entries.push(...entriesOf(name, each));
    this.entries = entries.sort((a, b) => a.name < b.name ? -1 : 1);
    const groups = new Set(this.entries.map(({ group }) => `@${group}`));
    this.#topics = [...[...groups].sort(), ...this.entries.map(({ name }) => name)];
  }

  /** What `help` followed by these words prints, a binary string. */
  text(words: readonly string[]): string {
    if (words.length === 0) return GENERIC_HELP;
    const isGroup = words[0]!.startsWith("@");
    const group = words[0]!.slice(1).toLowerCase();
    // A command stands for its subcommands, too.
    const name = `${words.join(" ").toUpperCase()} `;
    const found = this.entries.filter((entry) =>
      isGroup ? entry.group === group : `${entry.name} `.startsWith(name)
    );
    return `${found.map((entry) => helpText(entry, !isGroup)).join("")}\r\n`;
  }

  /** What the line could become: names of commands, after `help ` also groups. */
  completions(line: string): string[] {
    const match = /^help\s+/i.exec(line);
    const prefix = match === null ? "" : match[0];
    const typed = line.slice(prefix.length).toUpperCase();
    return this.#topics
      .filter((topic) => topic.toUpperCase().startsWith(typed))
      .filter((topic) => match !== null || !topic.startsWith("@"))
      .map((topic) => prefix + topic);
  }

  /** The arguments that are still to be typed, "" if nothing is known of the command. */
  hint(line: string): string {
    const words = line.split(/\s+/).filter((word) => word !== "");
    const typed = words.join(" ").toUpperCase();
    let entry: HelpEntry | null = null;
    for (const each of this.entries) {
      const isCommand = typed === each.name || typed.startsWith(`${each.name} `);
      if (isCommand && (entry === null || each.wordCount > entry.wordCount)) entry = each;
    }
    if (entry === null) return "";
    let syntax = entry.syntax;
    for (let left = words.length - entry.wordCount; left > 0 && !syntax.startsWith("["); left--) {
      const end = syntax.indexOf(" ");
      syntax = end < 0 ? "" : syntax.slice(end + 1);
    }
    return syntax === "" || /\s$/.test(line) ? syntax : ` ${syntax}`;
  }
}
