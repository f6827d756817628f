/**
 * Protected commands: DEBUG and those that load modules. They may be used only if the configuration
 * says so.
 */
import { type Client, isLocal } from "../session/client.ts";
import type { Protection } from "../session/command.ts";
import { type CommandError, commandError } from "../session/errors.ts";

const REFUSALS: Readonly<Record<Protection, CommandError>> = {
  debug: notAllowed("DEBUG", "enable-debug-command"),
  module: notAllowed("MODULE", "enable-module-command"),
};

function notAllowed(name: string, option: string): CommandError {
  return commandError(
    `ERR ${name} command not allowed. If the ${option} option is set to "local", you can ` +
      "run it from a local connection, otherwise you need to set this option in the configuration " +
      "file, and then restart the server.",
  );
}

/** Why a client may not use the commands that a setting protects; null if it may. */
export function protectionRefusal(client: Client, protection: Protection): CommandError | null {
  const { enableDebugCommand, enableModuleCommand } = client.host.config;
  const allowed = protection === "debug" ? enableDebugCommand : enableModuleCommand;
  if (allowed === "yes") return null;
  return allowed === "local" && isLocal(client) ? null : REFUSALS[protection];
}
