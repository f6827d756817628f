/**
 * SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT].
 */
import { type Client, REDIS_DENY_BLOCKING } from "../session/client.ts";
import type { RedisCommand } from "../session/command.ts";
import { commandError, SYNTAX_ERROR } from "../session/errors.ts";
import { shutdownOptions } from "../durability/shutdown.ts";

// deno-fmt-ignore
export const shutdownCommands: readonly RedisCommand[] = [
  { name: "shutdown", arity: -1, flags: ["admin", "noscript", "loading", "stale", "no_multi", "allow_busy"],
    keys: [0, 0, 0], proc: shutdownCommand, categories: [], since: "1.0.0", group: "server",
    complexity: "O(N) if a file is saved, N: keys of all databases; else O(1).",
    summary: "Makes the data safe and ends the server." },
];

const WORDS = new Set(["nosave", "save", "now", "force", "abort"]);
const NO_SHUTDOWN = commandError("ERR No shutdown in progress.");
const FAILED = commandError("ERR Errors trying to SHUTDOWN. Check logs.");
const DENIED = commandError(
  "ERR SHUTDOWN without NOW or ABORT isn't allowed for DENY BLOCKING client",
);

function shutdownCommand(client: Client): void {
  const { argv, host } = client;
  const words: string[] = [];
  for (let index = 1; index < argv.count; index++) {
    const word = argv.text(index).toLowerCase();
    if (!WORDS.has(word)) throw SYNTAX_ERROR;
    words.push(word);
  }
  const isAbort = words.includes("abort");
  const contradicts = words.includes("save") && words.includes("nosave");
  if (contradicts || (isAbort && words.length > 1)) throw SYNTAX_ERROR;
  if (isAbort) {
    if (!host.process.abortShutdown()) throw NO_SHUTDOWN;
    return client.reply.ok();
  }
  if (client.has(REDIS_DENY_BLOCKING) && !words.includes("now")) throw DENIED;
  // What a script has done so far must not be saved.
  const { busyError } = host.yielding;
  if (busyError !== null && !words.includes("nosave")) throw busyError;
  const outcome = host.process.shutdown(shutdownOptions(words), () => {
    // It may have gone meanwhile.
    if (client.blocked?.expire === answerFailure) host.blocking.expire(client);
  });
  if (outcome === "refused") throw FAILED;
  const neverServed = () => false;
  if (outcome === "waits") host.blocking.block(client, [], 0, 0, neverServed, answerFailure);
}

function answerFailure({ host, reply }: Client): void {
  reply.error(FAILED.text);
  host.statistics.countError(FAILED.text);
}
