/**
 * Address space: refs reach 16 GiB (memory.ts), and what does not fit in there must be refused
 * before it is begun, for a change cannot be taken back half way.
 *
 * A command that may take memory is refused while less than the arena's reserve is left, and what
 * its arguments may become; near the end so is any other that adds something to a key, if only an
 * expiry. What a command makes out of data that are there already (COPY, SUNIONSTORE …) no argument
 * tells: it asks `Arena.requireRoom` on its way, before the data set changes.
 */
import type { Arena } from "../memory/arena.ts";
import type { Argv } from "../protocol/argv.ts";
import { COMMAND_DENYOOM, COMMAND_WRITE, type CompiledCommand } from "../session/command.ts";

/** From this much of the reserve on, commands are looked at one by one. */
const WATCHED_RESERVES = 4;
/** An element takes up to twice its bytes and this, as member of a large sorted set. */
const ELEMENT_OVERHEAD_BYTES = 64;

/** Whether so little room is left that commands must be asked one by one (GATE_MEMORY). */
export function isWatched(arena: Arena): boolean {
  return arena.roomBytes < arena.reserveBytes * WATCHED_RESERVES;
}

/** Whether no more data is taken, whatever a command wants. */
export function isShort(arena: Arena): boolean {
  return arena.roomBytes < arena.reserveBytes;
}

/** Whether a command must be refused because there may be no room for what it makes. */
export function lacksRoom(arena: Arena, command: CompiledCommand, argv: Argv): boolean {
  if (!isWatched(arena)) return false;
  if ((command.bits & COMMAND_DENYOOM) !== 0) {
    const wantedBytes = argv.totalBytes() * 2 + argv.count * ELEMENT_OVERHEAD_BYTES;
    return arena.roomBytes < arena.reserveBytes + wantedBytes;
  }
  return (command.bits & COMMAND_WRITE) !== 0 && !arena.hasRoomFor(0) && isAdding(command);
}

/** Whether a command adds something to its keys and removes nothing. */
function isAdding({ access = "" }: CompiledCommand): boolean {
  return /\b(update|insert)\b/.test(access) && !access.includes("delete");
}
