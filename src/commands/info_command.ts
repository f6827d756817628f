/**
 * INFO: the state of the server as text; what it says is in server/info.ts.
 */
import type { Client } from "../session/client.ts";
import type { RedisCommand } from "../session/command.ts";

// deno-fmt-ignore
export const infoCommands: readonly RedisCommand[] = [
  { name: "info", arity: -1, flags: ["loading", "stale"], keys: [0, 0, 0], proc: infoCommand,
    categories: ["@dangerous"],
    tips: ["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    since: "1.0.0", group: "server", complexity: "O(1)",
    summary: "Returns the state and the statistics of the server." },
];

function infoCommand({ argv, reply, host }: Client): void {
  const words: string[] = [];
  for (let index = 1; index < argv.count; index++) words.push(argv.text(index).toLowerCase());
  reply.verbatim(host.process.infoText(words));
}
