/**
 * MONITOR: shows this client all commands that the server carries out. The lines are made in
 * observers/monitors.ts.
 */
import { type Client, REDIS_DENY_BLOCKING, REDIS_MONITOR } from "../session/client.ts";
import type { RedisCommand } from "../session/command.ts";
import { commandError } from "../session/errors.ts";

const NOT_ALLOWED = commandError("ERR MONITOR isn't allowed for DENY BLOCKING client");

// deno-fmt-ignore
export const monitorCommands: readonly RedisCommand[] = [
  { name: "monitor", arity: 1, flags: ["admin", "noscript", "loading", "stale"], keys: [0, 0, 0],
    proc: monitorCommand, categories: [], since: "1.0.0", group: "server", complexity: "",
    summary: "Shows every command that the server carries out, as it happens." },
];

function monitorCommand(client: Client): void {
  if (client.has(REDIS_DENY_BLOCKING)) throw NOT_ALLOWED;
  // Redis: the second time there is no answer at all.
  if (client.has(REDIS_MONITOR)) return;
  client.host.monitors.add(client);
  client.reply.ok();
}
