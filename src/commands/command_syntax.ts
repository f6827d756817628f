/**
 * Command syntax: which arguments a command takes, and since when: the part of COMMAND DOCS that a
 * row of the command table has no room for. It is written down as in a manual (command_syntax_*.ts)
 * and read when COMMAND DOCS first asks for it, so that it costs a start nothing.
 *
 *   SET key value [condition(NX|XX)^2.6.12] [GET^6.2.0]
 *       [expiration(EX seconds:int^2.6.12 | KEEPTTL^6.0.0)]
 *     2.6.12: 'EX', 'NX' and 'XX' are new.
 *
 * A command without arguments and without history has no entry. What begins in the first column is
 * a command, after two spaces comes a remark, after four what continues the line before. Remarks
 * are `version: what is new`, `deprecated version: what to use in its place`, or a flag of the
 * documentation; '…' stands for `…`.
 *
 *   name, name:type        an argument; a type is int, double, time, key, pattern, string
 *   key, pattern           are of the type of that name unless another is given, all else is string
 *   TOKEN                  a word to be written as it stands; its name is the same in small letters
 *   name=TOKEN, name="*"   the same with a name of its own, or a token that is no word
 *   TOKEN argument         an argument with a word before it
 *   name(a b)              a group; its name may be left out if it is a_b
 *   name(a | b)            one of several, named likewise
 *   [a]                    may be left out
 *   a..., TOKEN... a...    may be repeated; in the second form the word is repeated with it
 *   a^1.2.3, a^-1.2.3      since that version; deprecated since that version
 *   key@1                  number of the key spec, where it does not follow from counting the keys
 */
import { COLLECTION_SYNTAX } from "./command_syntax_collections.ts";
import { KEY_SYNTAX } from "./command_syntax_keys.ts";
import { REPLICATION_SYNTAX } from "./command_syntax_replication.ts";
import { SERVER_SYNTAX } from "./command_syntax_server.ts";
import { SORTED_SET_SYNTAX } from "./command_syntax_sorted_sets.ts";
import { STREAM_SYNTAX } from "./command_syntax_streams.ts";
import { STRING_SYNTAX } from "./command_syntax_strings.ts";

/** An argument as COMMAND DOCS describes it; "" and -1 stand for what is not told. */
export interface CommandArgument {
  name: string;
  /** "string", "integer", "oneof", "block" … */
  type: string;
  keySpecIndex: number;
  /** Null if no word stands before it; the word may be empty. */
  token: string | null;
  since: string;
  deprecatedSince: string;
  /** "optional", "multiple", "multiple_token". */
  flags: string[];
  /** The parts of a group, or the alternatives. */
  arguments: CommandArgument[];
}

/** What COMMAND DOCS tells of a command beside what is in its row. */
export interface CommandDocument {
  arguments: CommandArgument[];
  history: [version: string, what: string][];
  /** "deprecated", "syscmd". */
  flags: string[];
  deprecatedSince: string;
  replacedBy: string;
}

const TEXTS = [
  COLLECTION_SYNTAX,
  KEY_SYNTAX,
  REPLICATION_SYNTAX,
  SERVER_SYNTAX,
  SORTED_SET_SYNTAX,
  STREAM_SYNTAX,
  STRING_SYNTAX,
];

const TYPES: Readonly<Record<string, string>> = {
  int: "integer",
  double: "double",
  time: "unix-time",
  key: "key",
  pattern: "pattern",
  string: "string",
};

/** Entries as they are written, by the name of the command; null before the first question. */
let entries: ReadonlyMap<string, string> | null = null;
/** Those that have been asked for. */
const documents = new Map<string, CommandDocument>();

function allEntries(): ReadonlyMap<string, string> {
  entries ??= splitEntries(TEXTS.join(""));
  return entries;
}

/** The names of commands that have an entry: "get", "config|get" … */
export function documentedCommands(): string[] {
  return [...allEntries().keys()];
}

/** The document of a command; null if it has no arguments and no history. */
export function commandDocument(name: string): CommandDocument | null {
  const known = documents.get(name);
  if (known !== undefined) return known;
  const entry = allEntries().get(name);
  if (entry === undefined) return null;
  const document = readEntry(entry);
  documents.set(name, document);
  return document;
}

/** The entries of a text in the notation above, each with its remarks on lines of their own. */
export function splitEntries(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const entry of text.replaceAll(/\n {4}/g, " ").split(/\n(?=[A-Z])/)) {
    const lines = entry.trim();
    if (lines !== "") found.set(commandName(lines).toLowerCase().replace(" ", "|"), lines);
  }
  return found;
}

/** Reads one entry. Throws a SyntaxError if it is not in the notation above. */
export function readEntry(entry: string): CommandDocument {
  const [line, ...remarks] = entry.split("\n");
  const document: CommandDocument = {
    arguments: new SyntaxParser(line.slice(commandName(line).length)).all(),
    history: [],
    flags: [],
    deprecatedSince: "",
    replacedBy: "",
  };
  for (const remark of remarks) addRemark(document, remark.trim().replaceAll("'", "`"));
  return document;
}

/** Commands whose second word in capitals is a subcommand, not a token. */
const CONTAINERS = new Set(
  ("ACL CLIENT CLUSTER COMMAND CONFIG FUNCTION LATENCY MEMORY MODULE OBJECT PUBSUB SCRIPT " +
    "COMMANDLOG SLOWLOG XGROUP XINFO").split(" "),
);

function commandName(line: string): string {
  const [first, second] = line.split(/[ \n]/, 2);
  return CONTAINERS.has(first) ? `${first} ${second}` : first;
}

function addRemark(document: CommandDocument, remark: string): void {
  const dated = /^(deprecated )?([0-9.]+): (.*)$/.exec(remark);
  if (dated === null) {
    document.flags.push(remark);
  } else if (dated[1] === undefined) {
    document.history.push([dated[2], dated[3]]);
  } else {
    document.flags.push("deprecated");
    document.deprecatedSince = dated[2];
    document.replacedBy = dated[3];
  }
}

const SPACE = / */y;
const TOKEN_WORD = /[A-Z][A-Z0-9_-]*/y;
/** A small letter first; a colon belongs to the name unless a type follows it. */
const NAME = /[a-z][\w/-]*(?::(?!(?:int|double|time|key|pattern|string)\b)[a-z]+)?/y;
/** A group, or a name that is no token's. */
const VALUE_OR_GROUP = /\(|[a-z][\w/:-]*(?![\w/:=-])/y;
const TYPE = /:([a-z]+)/y;
const OWN_TOKEN = /=(?:([A-Z]+)|"([^"]*)")/y;
const KEY_SPEC = /@([0-9])/y;
const SINCE = /\^(-?)([0-9.]+)/y;

/** Reads the arguments of one command, from left to right. */
class SyntaxParser {
  readonly #text: string;
  #position = 0;
  /** Number of the key spec that the next key belongs to. */
  #keySpec = 0;

  constructor(text: string) {
    this.#text = text;
  }

  all(): CommandArgument[] {
    const list = this.#sequence();
    if (this.#position < this.#text.length) this.#fail("an argument");
    return list;
  }

  /** Arguments up to the end of the group, of the alternative, or of the text. */
  #sequence(): CommandArgument[] {
    const list: CommandArgument[] = [];
    for (;;) {
      this.#match(SPACE);
      if (this.#position === this.#text.length || this.#isAt(")") || this.#isAt("|")) return list;
      list.push(this.#element());
    }
  }

  #element(): CommandArgument {
    if (!this.#take("[")) return this.#item();
    const item = this.#item();
    if (!this.#take("]")) this.#fail("]");
    item.flags.unshift("optional");
    return item;
  }

  #item(): CommandArgument {
    const token = this.#match(TOKEN_WORD)?.[0] ?? null;
    if (token === null) return this.#rest(this.#argument());
    const repeatsToken = this.#take("...");
    this.#match(SPACE);
    if (!this.#isArgumentNext()) return this.#rest(pureToken(token.toLowerCase(), token));
    const argument = this.#rest({ ...this.#argument(), token });
    if (repeatsToken) argument.flags.push("multiple_token");
    return argument;
  }

  /** Whether a name or a group comes next, which the word before it then belongs to. */
  #isArgumentNext(): boolean {
    VALUE_OR_GROUP.lastIndex = this.#position;
    return VALUE_OR_GROUP.test(this.#text);
  }

  /** A value, a group, or a token with a name of its own. */
  #argument(): CommandArgument {
    const name = this.#match(NAME)?.[0] ?? "";
    if (this.#isAt("(")) return this.#group(name);
    if (name === "") this.#fail("a name");
    const token = this.#match(OWN_TOKEN);
    if (token !== null) return pureToken(name, token[1] ?? token[2]);
    const isOwnType = name === "key" || name === "pattern";
    const type = TYPES[this.#match(TYPE)?.[1] ?? (isOwnType ? name : "string")];
    const argument = emptyArgument(name, type);
    const keySpec = this.#match(KEY_SPEC);
    if (keySpec !== null || type === "key") {
      argument.keySpecIndex = keySpec === null ? this.#keySpec : Number(keySpec[1]);
      this.#keySpec = argument.keySpecIndex + 1;
    }
    return argument;
  }

  #group(name: string): CommandArgument {
    this.#take("(");
    const alternatives = [this.#sequence()];
    while (this.#take("|")) alternatives.push(this.#sequence());
    if (!this.#take(")")) this.#fail(")");
    const parts = alternatives.flat();
    const group = emptyArgument(name, alternatives.length > 1 ? "oneof" : "block");
    group.arguments = parts;
    if (name === "") group.name = parts.map((part) => part.name).join("_");
    return group;
  }

  /** What stands behind an argument. */
  #rest(argument: CommandArgument): CommandArgument {
    if (this.#take("...")) argument.flags.push("multiple");
    for (let since = this.#match(SINCE); since !== null; since = this.#match(SINCE)) {
      if (since[1] === "-") argument.deprecatedSince = since[2];
      else argument.since = since[2];
    }
    return argument;
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#position;
    const match = pattern.exec(this.#text);
    if (match !== null) this.#position = pattern.lastIndex;
    return match;
  }

  #isAt(text: string): boolean {
    return this.#text.startsWith(text, this.#position);
  }

  #take(text: string): boolean {
    if (!this.#isAt(text)) return false;
    this.#position += text.length;
    return true;
  }

  #fail(expected: string): never {
    throw new SyntaxError(
      `Expected ${expected} at "${this.#text.slice(this.#position)}" of${this.#text}`,
    );
  }
}

function emptyArgument(name: string, type: string): CommandArgument {
  return {
    name,
    type,
    keySpecIndex: -1,
    token: null,
    since: "",
    deprecatedSince: "",
    flags: [],
    arguments: [],
  };
}

function pureToken(name: string, token: string): CommandArgument {
  return { ...emptyArgument(name, "pure-token"), token };
}
