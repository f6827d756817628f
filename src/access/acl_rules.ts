/**
 * ACL rules: the words of ACL SETUSER and of `user` lines, and what each does to a user.
 *
 *   on off nopass resetpass >password <password #hash !hash sanitize-payload skip-sanitize-payload
 *   ~pattern %R~pattern %W~pattern allkeys resetkeys &pattern allchannels resetchannels
 *   +command -command +command|subcommand +@category -@category allcommands nocommands
 *   (rule rule …) clearselectors reset
 *
 * Functions return what is wrong with a rule, in Redis's words, or null. A rule that is refused has
 * changed nothing, except for a selector in parentheses, which is not added then.
 */
import { createHash } from "node:crypto";
import { asciiLower, hasSpace } from "../base/ascii.ts";
import { latin1Bytes, latin1Text } from "../base/bytes.ts";
import { splitArguments } from "../protocol/inline_arguments.ts";
import { AclSelector, type AclUser, KEY_READ, KEY_WRITE } from "../session/acl_user.ts";
import type { CompiledCommand } from "../session/command.ts";
import { categoriesOf, isCategory } from "../session/command_categories.ts";
import type { CommandTable } from "../session/command_table.ts";

const UNKNOWN_COMMAND = "Unknown command or category name in ACL";
const WRONG_SYNTAX = "Syntax error";
const FIRST_ARGUMENT_OF_SUBCOMMAND = "Allowing first-arg of a subcommand is not supported";
const KEYS_AFTER_ALL =
  "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have " +
  "any effect. Try 'resetkeys' to start with an empty list of patterns";
const CHANNELS_AFTER_ALL =
  "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not " +
  "have any effect. Try 'resetchannels' to start with an empty list of channels";
const NO_SUCH_PASSWORD = "The password you are trying to remove from the user does not exist";
const WRONG_HASH =
  "The password hash must be exactly 64 characters and contain only lowercase hexadecimal " +
  "characters";

/** What rules need to know beside the user. */
export interface AclContext {
  readonly table: CommandTable;
  /** `acl-pubsub-default allchannels`: new selectors may use all channels. */
  readonly allowsChannelsByDefault: boolean;
  /** Told of rules that work but should not be used. */
  warn(message: string): void;
}

/** SHA-256 of a password given as Latin-1 text, as 64 lower-case hexadecimal digits. */
export function passwordHash(password: string): string {
  return createHash("sha256").update(latin1Bytes(password)).digest("hex");
}

/** Whether a name or pattern has characters that would break a line of the ACL file. */
export function hasSpaces(text: string): boolean {
  return hasSpace(text) || text.includes("\0");
}

/** Changes a user by one rule. */
export function applyUserRule(user: AclUser, rule: string, context: AclContext): string | null {
  if (rule === "") return null;
  const word = rule.toLowerCase();
  if (Object.hasOwn(USER_RULES, word)) {
    USER_RULES[word](user, context);
    return null;
  }
  const value = rule.slice(1);
  switch (rule[0]) {
    case ">":
      return addPassword(user, passwordHash(value));
    case "#":
      return isHash(value) ? addPassword(user, value) : WRONG_HASH;
    case "<":
      return removePassword(user, passwordHash(value));
    case "!":
      return isHash(value) ? removePassword(user, value) : WRONG_HASH;
    case "(":
      return addSelector(user, rule, context);
    default:
      return applySelectorRule(user.root, rule, context);
  }
}

const USER_RULES: Readonly<Record<string, (user: AclUser, context: AclContext) => void>> = {
  on: (user) => user.isOn = true,
  off: (user) => user.isOn = false,
  nopass: (user) => {
    user.hasNoPassword = true;
    user.passwords = [];
  },
  resetpass: resetPasswords,
  "sanitize-payload": (user) => user.payloadCheck = "sanitize-payload",
  "skip-sanitize-payload": (user) => user.payloadCheck = "skip-sanitize-payload",
  clearselectors: (user) => user.selectors = [],
  reset: (user, { allowsChannelsByDefault }) => {
    resetPasswords(user);
    user.isOn = false;
    user.payloadCheck = "sanitize-payload";
    user.selectors = [];
    user.root = new AclSelector(user.root.allowed.length, allowsChannelsByDefault);
  },
};

function resetPasswords(user: AclUser): void {
  user.hasNoPassword = false;
  user.passwords = [];
}

function isHash(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

function addPassword(user: AclUser, hash: string): null {
  if (!user.passwords.includes(hash)) user.passwords.push(hash);
  user.hasNoPassword = false;
  return null;
}

function removePassword(user: AclUser, hash: string): string | null {
  const index = user.passwords.indexOf(hash);
  if (index < 0) return NO_SUCH_PASSWORD;
  user.passwords.splice(index, 1);
  return null;
}

function addSelector(user: AclUser, rule: string, context: AclContext): string | null {
  if (!rule.endsWith(")")) return WRONG_SYNTAX;
  const bytes = latin1Bytes(rule.slice(1, -1));
  const words = splitArguments(bytes, 0, bytes.length);
  if (words === null) return WRONG_SYNTAX;
  const selector = new AclSelector(user.root.allowed.length, context.allowsChannelsByDefault);
  for (const word of words) {
    const reason = applySelectorRule(selector, latin1Text(word, 0, word.length), context);
    if (reason !== null) return reason;
  }
  user.selectors.push(selector);
  return null;
}

/** Changes a selector by one rule. */
export function applySelectorRule(
  selector: AclSelector,
  rule: string,
  context: AclContext,
): string | null {
  const word = rule.toLowerCase();
  if (Object.hasOwn(SELECTOR_RULES, word)) {
    SELECTOR_RULES[word](selector);
    return null;
  }
  const value = rule.slice(1);
  switch (rule[0]) {
    case "~":
    case "%":
      return addKeyPattern(selector, rule);
    case "&":
      return addChannelPattern(selector, value);
    case "+":
    case "-":
      return value.startsWith("@")
        ? changeCategory(selector, value, rule[0] === "+", context.table)
        : changeCommand(selector, value, rule[0] === "+", context);
    default:
      return WRONG_SYNTAX;
  }
}

const SELECTOR_RULES: Readonly<Record<string, (selector: AclSelector) => void>> = {
  allkeys: allowAllKeys,
  "~*": allowAllKeys,
  resetkeys: (selector) => {
    selector.allowsAllKeys = false;
    selector.keyPatterns = [];
  },
  allchannels: allowAllChannels,
  "&*": allowAllChannels,
  resetchannels: (selector) => {
    selector.allowsAllChannels = false;
    selector.channelPatterns = [];
  },
  allcommands: (selector) => changeAllCommands(selector, true),
  "+@all": (selector) => changeAllCommands(selector, true),
  nocommands: (selector) => changeAllCommands(selector, false),
  "-@all": (selector) => changeAllCommands(selector, false),
};

function allowAllKeys(selector: AclSelector): void {
  selector.allowsAllKeys = true;
  selector.keyPatterns = [];
}

function allowAllChannels(selector: AclSelector): void {
  selector.allowsAllChannels = true;
  selector.channelPatterns = [];
}

/** `+@all` and `-@all`. */
export function changeAllCommands(selector: AclSelector, isAllowed: boolean): void {
  selector.allowed.fill(isAllowed ? 1 : 0);
  selector.allowsAllCommands = isAllowed;
  selector.allowsFutureCommands = isAllowed;
  selector.firstArguments.clear();
  selector.commandRules = [];
}

function addKeyPattern(selector: AclSelector, rule: string): string | null {
  if (selector.allowsAllKeys) return KEYS_AFTER_ALL;
  let permissions = KEY_READ | KEY_WRITE;
  let text = rule.slice(1);
  if (rule.startsWith("%")) {
    // Redis: the tilde may be missing at the end of the rule; the pattern is empty then.
    const match = /^%(R|W|RW|WR)(?:~|$)/i.exec(rule);
    if (match === null) return WRONG_SYNTAX;
    const letters = match[1]!.toUpperCase();
    permissions = (letters.includes("R") ? KEY_READ : 0) | (letters.includes("W") ? KEY_WRITE : 0);
    text = rule.slice(match[0].length);
  }
  if (hasSpaces(text)) return WRONG_SYNTAX;
  const known = selector.keyPatterns.find((pattern) => pattern.text === text);
  if (known !== undefined) known.permissions |= permissions;
  else selector.keyPatterns.push({ text, bytes: latin1Bytes(text), permissions });
  return null;
}

function addChannelPattern(selector: AclSelector, text: string): string | null {
  if (selector.allowsAllChannels) return CHANNELS_AFTER_ALL;
  if (hasSpaces(text)) return WRONG_SYNTAX;
  if (!selector.channelPatterns.some((pattern) => pattern.text === text)) {
    selector.channelPatterns.push({ text, bytes: latin1Bytes(text) });
  }
  return null;
}

function changeCategory(
  selector: AclSelector,
  name: string,
  isAllowed: boolean,
  table: CommandTable,
): string | null {
  const category = name.toLowerCase();
  if (!isCategory(category)) return UNKNOWN_COMMAND;
  changeCommandsOf(selector, category, isAllowed, table);
  noteCommandRule(selector, category, isAllowed);
  return null;
}

/** Keeps a rule for commands; earlier ones for the same, or for a subcommand of it, are void. */
function noteCommandRule(selector: AclSelector, name: string, isAllowed: boolean): void {
  const rules = selector.commandRules.filter((rule) => {
    return rule.slice(1) !== name && !rule.startsWith(`${name}|`, 1);
  });
  rules.push(`${isAllowed ? "+" : "-"}${name}`);
  selector.commandRules = rules;
}

/** Allows or forbids all commands of a category; a container takes its subcommands with it. */
export function changeCommandsOf(
  selector: AclSelector,
  category: string,
  isAllowed: boolean,
  table: CommandTable,
): void {
  for (const command of table.all) {
    if (categoriesOf(command).includes(category)) changeOne(selector, command, isAllowed);
  }
}

function changeCommand(
  selector: AclSelector,
  name: string,
  isAllowed: boolean,
  context: AclContext,
): string | null {
  const bar = name.lastIndexOf("|");
  if (!isAllowed || bar < 0) {
    const command = context.table.findByOwnName(name);
    if (command === null) return UNKNOWN_COMMAND;
    changeOne(selector, command, isAllowed);
    noteCommandRule(selector, command.name, isAllowed);
    return null;
  }
  const container = context.table.findByOwnName(name.slice(0, bar));
  if (container === null) return UNKNOWN_COMMAND;
  if (container.name.includes("|")) return FIRST_ARGUMENT_OF_SUBCOMMAND;
  const argument = name.slice(bar + 1);
  if (argument === "") return WRONG_SYNTAX;
  if (container.subcommandTable !== null) {
    const command = context.table.findByOwnName(name);
    if (command === null) return UNKNOWN_COMMAND;
    changeOne(selector, command, true);
    noteCommandRule(selector, command.name, true);
    return null;
  }
  context.warn(
    "Deprecation warning: Allowing a first arg of an otherwise blocked command is a misuse of " +
      `ACL and may get disabled in the future (offender: +${name})`,
  );
  const words = selector.firstArguments.get(container.id) ?? [];
  const isKnown = words.some((word) => asciiLower(word) === asciiLower(argument));
  if (!isKnown) selector.firstArguments.set(container.id, [...words, argument]);
  noteCommandRule(selector, asciiLower(name), true);
  return null;
}

/** Allows or forbids one command, and the subcommands it may have. */
export function changeOne(
  selector: AclSelector,
  command: CompiledCommand,
  isAllowed: boolean,
): void {
  const bit = isAllowed ? 1 : 0;
  selector.allowed[command.id] = bit;
  selector.firstArguments.delete(command.id);
  if (!isAllowed) selector.allowsAllCommands = false;
  for (const { id } of command.subcommandTable?.values() ?? []) selector.allowed[id] = bit;
}

/**
 * Joins the words of selectors that were split at their spaces: "(+get", "~a)" → "(+get ~a)".
 * Returns the rules, or the word whose parenthesis is never closed.
 */
export function mergeSelectors(
  words: readonly string[],
): { rules: string[] } | { unmatched: string } {
  const rules: string[] = [];
  let open: string | null = null;
  let first = "";
  for (const word of words) {
    if (open === null && word.startsWith("(") && !word.endsWith(")")) {
      open = first = word;
    } else if (open === null) {
      rules.push(word);
    } else {
      open += ` ${word}`;
      if (word.endsWith(")")) {
        rules.push(open);
        open = null;
      }
    }
  }
  return open === null ? { rules } : { unmatched: first };
}
