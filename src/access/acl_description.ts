/**
 * ACL description: a user in the words of ACL LIST, ACL GETUSER and the ACL file: rules that, given
 * to a new user, make the same one.
 *
 * Redis 7.2 and later word what commands are allowed by the rules that were given, in their order.
 * Redis 7.0 keeps only their outcome and describes it anew: from `+@all` or `-@all`, the categories
 * that bring most commands to their right state are applied one after the other, and single
 * commands put the rest right; the order of its single commands is arbitrary.
 */
import { answersSince, type ReleaseChoice } from "../config/version.ts";
import {
  AclSelector,
  type AclUser,
  KEY_READ,
  KEY_WRITE,
  type KeyPattern,
} from "../session/acl_user.ts";
import { changeAllCommands, changeCommandsOf, changeOne } from "./acl_rules.ts";
import { CATEGORIES, categoriesOf } from "../session/command_categories.ts";
import type { CommandTable } from "../session/command_table.ts";

/** What wording a user needs to know beside the user. */
export interface Wording {
  readonly table: CommandTable;
  /** Commands are worded by the rules as given, not by their outcome. */
  readonly keepsRules: boolean;
}

/** All of a user but its name: "on nopass ~* &* +@all". */
export function describeUser(user: AclUser, wording: Wording): string {
  const words: string[] = [...userFlags(user), ...user.passwords.map((hash) => `#${hash}`)];
  words.push(describeSelector(user.root, wording));
  for (const selector of user.selectors) words.push(`(${describeSelector(selector, wording)})`);
  return words.join(" ");
}

/** The flags that ACL GETUSER lists. */
export function userFlags({ isOn, hasNoPassword, payloadCheck }: AclUser): string[] {
  const flags = [isOn ? "on" : "off"];
  if (hasNoPassword) flags.push("nopass");
  if (payloadCheck !== "unsaid") flags.push(payloadCheck);
  return flags;
}

function describeSelector(selector: AclSelector, wording: Wording): string {
  const words: string[] = [];
  const keys = describeKeys(selector);
  if (keys !== "") words.push(keys);
  if (!selector.allowsAllChannels) words.push("resetchannels");
  const channels = describeChannels(selector);
  if (channels !== "") words.push(channels);
  words.push(describeCommands(selector, wording));
  return words.join(" ");
}

export function describeKeys({ allowsAllKeys, keyPatterns }: AclSelector): string {
  return allowsAllKeys ? "~*" : keyPatterns.map(describeKeyPattern).join(" ");
}

function describeKeyPattern({ text, permissions }: KeyPattern): string {
  if (permissions === KEY_READ) return `%R~${text}`;
  return permissions === KEY_WRITE ? `%W~${text}` : `~${text}`;
}

export function describeChannels({ allowsAllChannels, channelPatterns }: AclSelector): string {
  return allowsAllChannels ? "&*" : channelPatterns.map(({ text }) => `&${text}`).join(" ");
}

export function describeCommands(selector: AclSelector, { table, keepsRules }: Wording): string {
  const isAdding = !selector.allowsFutureCommands;
  if (keepsRules) return [isAdding ? "-@all" : "+@all", ...selector.commandRules].join(" ");
  /** What the rules so far would make. */
  const described = new AclSelector(selector.allowed.length, false);
  changeAllCommands(described, !isAdding);
  const rules = [isAdding ? "-@all" : "+@all"];
  for (const category of fittingCategories(selector, table, isAdding)) {
    rules.push(`${isAdding ? "+" : "-"}${category}`);
    changeCommandsOf(described, category, isAdding, table);
  }
  for (const command of table.all) {
    const isAllowed = selector.allowed[command.id] === 1;
    if (isAllowed !== (described.allowed[command.id] === 1)) {
      rules.push(`${isAllowed ? "+" : "-"}${command.name}`);
      changeOne(described, command, isAllowed);
    }
    if (isAllowed) continue;
    for (const word of selector.firstArguments.get(command.id) ?? []) {
      rules.push(`+${command.name}|${word}`);
    }
  }
  return rules.join(" ");
}

/**
 * The categories to apply, the one with the fewest wrong commands first, of equal ones the largest;
 * each must put more commands right than wrong, of those that earlier ones left.
 */
function fittingCategories(
  selector: AclSelector,
  table: CommandTable,
  isAdding: boolean,
): string[] {
  const remaining = selector.copy();
  const applied: string[] = [];
  for (;;) {
    let best = "";
    let fewestWrong = Infinity;
    let mostRight = 0;
    for (const category of CATEGORIES) {
      if (applied.includes(category)) continue;
      const { on, off } = countCommands(remaining, category, table);
      const right = isAdding ? on : off;
      const wrong = isAdding ? off : on;
      const isBetter = wrong < fewestWrong || (wrong === fewestWrong && right > mostRight);
      if (right > wrong && isBetter) {
        best = category;
        fewestWrong = wrong;
        mostRight = right;
      }
    }
    if (best === "") return applied;
    changeCommandsOf(remaining, best, !isAdding, table);
    applied.push(best);
  }
}

/** How many commands of a category a selector allows and forbids. */
function countCommands(
  selector: AclSelector,
  category: string,
  table: CommandTable,
): { on: number; off: number } {
  let on = 0;
  let off = 0;
  for (const command of table.all) {
    if (!categoriesOf(command).includes(category)) continue;
    if (selector.allowed[command.id] === 1) on++;
    else off++;
  }
  return { on, off };
}
