/**
 * ACL check: whether a user may carry out a command with these arguments, and if not, why.
 *
 * Several selectors may each forbid something else; the reason given is the one that came nearest
 * to being allowed: a forbidden channel before a key before the command itself, and of those the
 * argument that stands last (Redis: ACLCheckAllUserCommandPerm).
 */
import { asciiLower } from "../base/ascii.ts";
import { equalsIgnoreCase, latin1Text } from "../base/bytes.ts";
import { matchGlob } from "../base/glob.ts";
import type { Argv } from "../protocol/argv.ts";
import { type AclSelector, type AclUser, KEY_READ, KEY_WRITE } from "../session/acl_user.ts";
import { COMMAND_NO_AUTH, type CompiledCommand } from "../session/command.ts";
import { CommandError } from "../session/errors.ts";
import { hasKeys, type KeyPosition, keyPositions } from "../session/key_positions.ts";

export type DenialReason = "command" | "key" | "channel" | "auth";

/** Why a command is refused, and the argument it is refused for (0 for the command itself). */
export interface Denial {
  reason: DenialReason;
  index: number;
}

const RANK: Readonly<Record<DenialReason, number>> = { command: 1, key: 2, auth: 3, channel: 4 };

/** Why a user may not run a command, or null if it may. */
export function findDenial(user: AclUser, command: CompiledCommand, argv: Argv): Denial | null {
  if (user.isUnlimited) return null;
  let nearest: Denial = { reason: "command", index: 0 };
  let keys: KeyPosition[] | null = null;
  for (const selector of user.allSelectors) {
    let denial = allowsCommand(selector, command, argv) ? null : nearest;
    if (denial === null && !selector.allowsAllKeys && hasKeys(command)) {
      keys ??= positionsOrNone(command, argv);
      denial = deniedKey(selector, keys, argv);
    }
    if (denial === null && !selector.allowsAllChannels) {
      denial = deniedChannel(selector, command, argv);
    }
    if (denial === null) return null;
    const rank = RANK[denial.reason] - RANK[nearest.reason];
    if (rank > 0 || (rank === 0 && denial.index > nearest.index)) nearest = denial;
  }
  return nearest;
}

function allowsCommand(selector: AclSelector, command: CompiledCommand, argv: Argv): boolean {
  if (selector.allowsAllCommands || (command.bits & COMMAND_NO_AUTH) !== 0) return true;
  if (selector.allowed[command.id] === 1) return true;
  const words = selector.firstArguments.get(command.id);
  if (words === undefined || argv.count < 2) return false;
  const { bytes, starts, lengths } = argv;
  return words.some((word) => equalsIgnoreCase(bytes, starts[1], lengths[1], asciiLower(word)));
}

/** Malformed arguments name no keys: the command itself will say what is wrong with them. */
function positionsOrNone(command: CompiledCommand, argv: Argv): KeyPosition[] {
  try {
    return keyPositions(command, argv);
  } catch (error) {
    if (error instanceof CommandError) return [];
    throw error;
  }
}

function deniedKey(selector: AclSelector, keys: KeyPosition[], argv: Argv): Denial | null {
  for (const { index, flags } of keys) {
    const needed = neededPermissions(flags);
    const start = argv.starts[index];
    const length = argv.lengths[index];
    const isAllowed = selector.keyPatterns.some(({ bytes, permissions }) =>
      (permissions & needed) === needed &&
      matchGlob(bytes, 0, bytes.length, argv.bytes, start, length, false)
    );
    if (!isAllowed) return { reason: "key", index };
  }
  return null;
}

/** What a pattern must permit, from the words of a key spec. RO, RW … alone need nothing. */
function neededPermissions(flags: readonly string[]): number {
  let needed = 0;
  for (const flag of flags) {
    if (flag === "access") needed |= KEY_READ;
    else if (flag === "update" || flag === "insert" || flag === "delete") needed |= KEY_WRITE;
  }
  return needed;
}

function deniedChannel(
  selector: AclSelector,
  command: CompiledCommand,
  argv: Argv,
): Denial | null {
  const { channels } = command;
  if (channels === undefined) return null;
  const last = channels.isOne ? 1 : argv.count - 1;
  for (let index = 1; index <= last; index++) {
    const start = argv.starts[index];
    const length = argv.lengths[index];
    if (!allowsChannel(selector, argv.bytes, start, length, channels.isPattern)) {
      return { reason: "channel", index };
    }
  }
  return null;
}

/** Whether a channel is allowed. A pattern must be allowed literally: it stands for many. */
function allowsChannel(
  selector: AclSelector,
  bytes: Uint8Array,
  start: number,
  length: number,
  isPattern: boolean,
): boolean {
  if (isPattern) {
    const name = latin1Text(bytes, start, length);
    return selector.channelPatterns.some(({ text }) => text === name);
  }
  return selector.channelPatterns.some((pattern) =>
    matchGlob(pattern.bytes, 0, pattern.bytes.length, bytes, start, length, false)
  );
}

/** Whether a user may be subscribed to a channel or pattern, given as Latin-1 text. */
export function mayReceive(user: AclUser, name: Uint8Array, isPattern: boolean): boolean {
  return user.allSelectors.some((selector) =>
    selector.allowsAllChannels || allowsChannel(selector, name, 0, name.length, isPattern)
  );
}

/**
 * Whether a user may run a command and read any key at all with it: for commands that read keys
 * which do not stand in their arguments (SORT BY and GET).
 */
export function mayReadAllKeys(user: AclUser, command: CompiledCommand, argv: Argv): boolean {
  if (user.isUnlimited) return true;
  return user.allSelectors.some((selector) => {
    if (!allowsCommand(selector, command, argv)) return false;
    return selector.allowsAllKeys ||
      selector.keyPatterns.some(({ text, permissions }) =>
        text === "*" && (permissions & KEY_READ) !== 0
      );
  });
}
