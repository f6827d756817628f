/**
 * Client listing: a client as one line of CLIENT LIST and CLIENT INFO, with the fields of Redis 7.0
 * in their order. Numbers that depend on how memory is organized are those of this server:
 *
 *   fd               the client's id: connections have no number of their own here
 *   rbs, rbp         size of the output array, and how much of it is filled
 *   obl              output not delivered yet, up to 16 KiB
 *   oll, omem        whether there is more, and how much: what the output limits are about
 *   tot-mem          all that is counted for the client (client.ts), and the arguments in use
 *
 * `lib-name` and `lib-ver` (Redis 7.2) stand at the end if CLIENT SETINFO has set them, or if the
 * server answers as 7.2; `watch` comes with 7.4.
 */
import * as clock from "../base/clock.ts";
import { answersSince } from "../config/version.ts";
import {
  type Client,
  QUEUED_COMMAND_BYTES,
  REDIS_BLOCKED,
  REDIS_CLOSE_AFTER_REPLY,
  REDIS_CLOSE_NOW,
  REDIS_DIRTY_CAS,
  REDIS_MASTER,
  REDIS_MONITOR,
  REDIS_MULTI,
  REDIS_NO_EVICT,
  REDIS_NO_TOUCH,
  REDIS_PUBSUB,
  REDIS_REPLICA,
  REDIS_TRACKING,
  REDIS_UNIX_SOCKET,
} from "./client.ts";

/** Output that counts against no limit; Redis: the buffer each client has. */
export const OUTPUT_FREE_BYTES = 16 * 1024;

/** Bytes of a client's output that count; what a replica is still to get counts in full. */
export function heldOutputBytes({ reply, outputPendingBytes, outputSource }: Client): number {
  const replyBytes = Math.max(0, reply.length + outputPendingBytes - OUTPUT_FREE_BYTES);
  return outputSource === null ? replyBytes : replyBytes + outputSource.pendingBytes;
}

/** The letters of the field `flags`, in Redis's order. */
const FLAG_LETTERS: readonly (readonly [flag: number, letter: string])[] = [
  [REDIS_REPLICA, "S"],
  [REDIS_MONITOR, "O"],
  [REDIS_MASTER, "M"],
  [REDIS_PUBSUB, "P"],
  [REDIS_MULTI, "x"],
  [REDIS_BLOCKED, "b"],
  [REDIS_TRACKING, "t"],
];
const LATER_FLAG_LETTERS: readonly (readonly [flag: number, letter: string])[] = [
  [REDIS_DIRTY_CAS, "d"],
  [REDIS_CLOSE_AFTER_REPLY, "c"],
  [REDIS_CLOSE_NOW, "A"],
  [REDIS_UNIX_SOCKET, "U"],
  [REDIS_NO_EVICT, "e"],
  [REDIS_NO_TOUCH, "T"],
];

/** The types by which CLIENT LIST and CLIENT KILL choose. */
export type ClientType = "normal" | "master" | "replica" | "pubsub";

/** The type that a word names, or null. */
export function parseClientType(word: string): ClientType | null {
  const lower = word.toLowerCase();
  if (lower === "slave") return "replica";
  const isType = ["normal", "master", "replica", "pubsub"].includes(lower);
  return isType ? lower as ClientType : null;
}

export function clientType(client: Client): ClientType {
  if (client.has(REDIS_MASTER)) return "master";
  if (client.has(REDIS_REPLICA)) return "replica";
  return client.has(REDIS_PUBSUB) ? "pubsub" : "normal";
}

/** The line of a client, without a line end. */
export function clientLine(client: Client): string {
  const { query, reply, mstate, tracking, host: { config } } = client;
  const { peerAddress, localAddress } = client.transport;
  const nowMs = clock.nowMs();
  const argvBytes = isUsingArguments(client) ? client.argv.totalBytes() : 0;
  const queuedBytes = mstate.argvBytes + mstate.count * QUEUED_COMMAND_BYTES;
  const queryBytes = heldQueryBytes(client);
  const heldBytes = reply.length + client.outputPendingBytes;
  const listBytes = heldOutputBytes(client);
  const isSet = client.libraryName !== "" || client.libraryVersion !== "";
  const showsLibrary = isSet || answersSince(config, "7.2");
  // One text from the start: a list of parts would take twice the time.
  return `id=${client.id} addr=${peerAddress} laddr=${localAddress} fd=${client.id}` +
    ` name=${client.name} age=${Math.floor((nowMs - client.createdMs) / 1000)}` +
    ` idle=${Math.floor((nowMs - client.lastInteractionMs) / 1000)}` +
    ` flags=${flagLetters(client)} db=${client.db.index}` +
    ` sub=${client.channels?.size ?? 0} psub=${client.patterns?.size ?? 0}` +
    ` ssub=${client.shardChannels?.size ?? 0}` +
    ` multi=${client.has(REDIS_MULTI) ? mstate.count : -1}` +
    (answersSince(config, "7.4") ? ` watch=${client.watchedKeys.length}` : "") +
    ` qbuf=${queryBytes} qbuf-free=${query.bytes.length - queryBytes}` +
    ` argv-mem=${argvBytes} multi-mem=${queuedBytes}` +
    ` rbs=${reply.bytes.length} rbp=${reply.length}` +
    ` obl=${Math.min(heldBytes, OUTPUT_FREE_BYTES)} oll=${listBytes > 0 ? 1 : 0}` +
    ` omem=${listBytes} tot-mem=${client.heldBytes() + argvBytes}` +
    ` events=${client.outputPendingBytes > 0 ? "rw" : "r"}` +
    ` cmd=${client.command?.name ?? "NULL"} user=${client.userName}` +
    ` redir=${tracking === null ? -1 : tracking.redirectId} resp=${reply.resp}` +
    (showsLibrary ? ` lib-name=${client.libraryName} lib-ver=${client.libraryVersion}` : "");
}

/** The letters of the field `flags`; "N" if there are none. */
export function flagLetters(client: Client): string {
  const { tracking } = client;
  let letters = "";
  for (const [flag, letter] of FLAG_LETTERS) if (client.has(flag)) letters += letter;
  if (tracking?.isRedirectBroken === true) letters += "R";
  if (tracking?.isBroadcast === true) letters += "B";
  for (const [flag, letter] of LATER_FLAG_LETTERS) if (client.has(flag)) letters += letter;
  return letters === "" ? "N" : letters;
}

/** Whether the client's arguments are in use: it runs a command, or waits within one. */
function isUsingArguments(client: Client): boolean {
  return client.host.calls.isRunning(client) || client.has(REDIS_BLOCKED);
}

/** Bytes in the query buffer; those of the command that runs are still there. */
function heldQueryBytes(client: Client): number {
  const { query } = client;
  const isEmpty = query.pendingBytes === 0 && query.partial === null;
  return isEmpty && !client.host.calls.isRunning(client) ? 0 : query.end;
}
