/**
 * Module commands: what a server answers that has no modules and can load none.
 */
import { readableText } from "../base/bytes.ts";
import type { Client } from "../session/client.ts";
import type { CommandFlag, RedisCommand } from "../session/command.ts";
import { commandError } from "../session/errors.ts";
import { protectionRefusal } from "../execution/protected_commands.ts";
import { replyHelp } from "./help.ts";

const NO_KEYS = [0, 0, 0] as const;
const LOADS: readonly CommandFlag[] = ["admin", "noscript", "no_async_loading"];

// deno-fmt-ignore
export const moduleCommands: readonly RedisCommand[] = [
  { name: "module", arity: -2, flags: [], keys: NO_KEYS, proc: moduleHelpCommand, categories: [],
    since: "4.0.0", group: "server", complexity: "That of the subcommand.",
    summary: "Manages modules.", subcommands: [
      { name: "module|list", arity: 2, flags: ["admin", "noscript"], keys: NO_KEYS,
        proc: moduleListCommand, categories: [], tips: ["nondeterministic_output_order"],
        since: "4.0.0", group: "server", complexity: "O(N) where N is the number of modules",
        summary: "Lists the modules." },
      { name: "module|load", arity: -3, flags: LOADS, protectedBy: "module", keys: NO_KEYS,
        proc: moduleLoadCommand, categories: [], since: "4.0.0", group: "server",
        complexity: "O(1)", summary: "Loads a module." },
      { name: "module|loadex", arity: -3, flags: LOADS, protectedBy: "module", keys: NO_KEYS,
        proc: moduleLoadCommand, categories: [], since: "7.0.0", group: "server",
        complexity: "O(1)", summary: "Loads a module with settings of its own." },
      { name: "module|unload", arity: 3, flags: LOADS, protectedBy: "module", keys: NO_KEYS,
        proc: moduleUnloadCommand, categories: [], since: "4.0.0", group: "server",
        complexity: "O(1)", summary: "Removes a module." },
      { name: "module|help", arity: 2, flags: ["loading", "stale"], keys: NO_KEYS,
        proc: moduleHelpCommand, categories: [], since: "5.0.0", group: "server",
        complexity: "O(1)", summary: "Lists the subcommands." },
    ] },
];

const HELP = [
  "LIST",
  "    Always empty: there are no modules here.",
  "LOAD <path> [<arg> ...]",
  "    Refused: there are no modules here.",
  "LOADEX <path> [[CONFIG NAME VALUE] [CONFIG NAME VALUE]] [ARGS ...]",
  "    Refused for the same reason.",
  "UNLOAD <name>",
  "    Refused for the same reason.",
];

const NOT_LOADED = commandError("ERR Error loading the extension. Please check the server logs.");
const NO_SUCH_MODULE = commandError("ERR Error unloading module: no such module with that name");

function moduleListCommand({ reply }: Client): void {
  reply.array(0);
}

function moduleLoadCommand(client: Client): void {
  refuseIfProtected(client);
  const { argv, host } = client;
  host.log.warning(
    `Module ${readableText(argv.text(2))} failed to load: modules cannot be loaded by Redeno`,
  );
  throw NOT_LOADED;
}

function moduleUnloadCommand(client: Client): void {
  refuseIfProtected(client);
  throw NO_SUCH_MODULE;
}

function refuseIfProtected(client: Client): void {
  const refusal = protectionRefusal(client, "module");
  if (refusal !== null) throw refusal;
}

function moduleHelpCommand(client: Client): void {
  replyHelp(client, HELP);
}
