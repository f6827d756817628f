/**
 * Transactions: MULTI, EXEC, DISCARD, WATCH, UNWATCH.
 *
 * Queueing itself is done by dispatch.ts, since it concerns all commands; the queue is the client's
 * `mstate`. EXEC runs it first in, first out, with nothing in between, because nothing else runs
 * while a procedure does. A command that fails inside does not stop the others: no rollback.
 */
import { discardTransaction, recycleQueue } from "../execution/transaction.ts";
import {
  type Client,
  REDIS_DENY_BLOCKING,
  REDIS_DIRTY_CAS,
  REDIS_DIRTY_EXEC,
  REDIS_EXECUTING,
  REDIS_MULTI,
} from "../session/client.ts";
import type { RedisCommand } from "../session/command.ts";
import {
  DISCARD_WITHOUT_MULTI,
  EXEC_ABORT,
  EXEC_WITHOUT_MULTI,
  NESTED_MULTI,
  WATCH_INSIDE_MULTI,
} from "../session/errors.ts";

const NO_KEYS = [0, 0, 0] as const;

// deno-fmt-ignore
export const transactionCommands: readonly RedisCommand[] = [
  { name: "multi", arity: 1, flags: ["noscript", "loading", "stale", "fast", "allow_busy"], keys: NO_KEYS,
    traits: ["acts_in_multi"],
    proc: multiCommand, categories: ["@transaction"], since: "1.2.0", group: "transactions", complexity: "O(1)",
    summary: "Starts a transaction: the commands that follow are queued." },
  { name: "exec", arity: 1, flags: ["noscript", "loading", "stale", "skip_slowlog"], keys: NO_KEYS,
    traits: ["acts_in_multi", "runs_queue"],
    proc: execCommand, categories: ["@transaction"], since: "1.2.0", group: "transactions",
    complexity: "That of the commands in the queue.",
    summary: "Carries out all queued commands of a transaction." },
  { name: "discard", arity: 1, flags: ["noscript", "loading", "stale", "fast", "allow_busy"], keys: NO_KEYS,
    traits: ["acts_in_multi"],
    proc: discardCommand, categories: ["@transaction"], since: "2.0.0", group: "transactions",
    complexity: "O(N), N: commands in the queue.",
    summary: "Drops the queued commands and ends the transaction." },
  { name: "watch", arity: -2, flags: ["noscript", "loading", "stale", "fast", "allow_busy"], keys: [1, -1, 1],
    access: "RO", traits: ["acts_in_multi"],
    proc: watchCommand, categories: ["@transaction"], since: "2.2.0", group: "transactions",
    complexity: "O(1) per key.",
    summary: "Makes the next transaction depend on these keys staying unchanged." },
  { name: "unwatch", arity: 1, flags: ["noscript", "loading", "stale", "fast", "allow_busy"], keys: NO_KEYS,
    proc: unwatchCommand, categories: ["@transaction"], since: "2.2.0", group: "transactions", complexity: "O(1)",
    summary: "Forgets all watched keys." },
];

function multiCommand(client: Client): void {
  if (client.has(REDIS_MULTI)) throw NESTED_MULTI;
  client.flags |= REDIS_MULTI;
  client.reply.ok();
}

function execCommand(client: Client): void {
  const { host, reply } = client;
  if (!client.has(REDIS_MULTI)) throw EXEC_WITHOUT_MULTI;
  if (host.watch.hasExpiredKey(client)) client.flags |= REDIS_DIRTY_CAS;
  if (client.has(REDIS_DIRTY_EXEC)) {
    discardTransaction(client);
    throw EXEC_ABORT;
  }
  if (client.has(REDIS_DIRTY_CAS)) {
    discardTransaction(client);
    reply.nilArray();
    return;
  }
  const { commands, count } = client.mstate;
  // The watches end before the queue runs: its own writes must not be looked up for nothing.
  discardTransaction(client);
  const wasDenied = client.has(REDIS_DENY_BLOCKING);
  client.flags |= REDIS_DENY_BLOCKING | REDIS_EXECUTING;
  reply.array(count);
  for (const queued of commands) host.dispatcher.callQueued(client, queued);
  recycleQueue(commands);
  client.flags &= wasDenied ? ~REDIS_EXECUTING : ~(REDIS_EXECUTING | REDIS_DENY_BLOCKING);
  // Each command has been recorded by itself; EXEC adds nothing.
  client.propagateNothing();
}

function discardCommand(client: Client): void {
  if (!client.has(REDIS_MULTI)) throw DISCARD_WITHOUT_MULTI;
  discardTransaction(client);
  client.reply.ok();
}

function watchCommand(client: Client): void {
  if (client.has(REDIS_MULTI)) throw WATCH_INSIDE_MULTI;
  // Redis: once the next transaction is lost, there is nothing more to watch for.
  if (!client.has(REDIS_DIRTY_CAS)) {
    for (let index = 1; index < client.argv.count; index++) {
      client.host.watch.watch(client, client.argv, index);
    }
  }
  client.reply.ok();
}

function unwatchCommand(client: Client): void {
  client.host.watch.unwatchAll(client);
  client.flags &= ~REDIS_DIRTY_CAS;
  client.reply.ok();
}
