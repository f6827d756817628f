/**
 * Protected commands: DEBUG, which may be used only if the configuration says so.
 */
import type { Client } from "../session/client.ts";
import { type CommandError, commandError } from "../session/errors.ts";

const NOT_ALLOWED = commandError(
  'ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you can ' +
    "run it from a local connection, otherwise you need to set this option in the configuration " +
    "file, and then restart the server.",
);

/** Why a client may not use DEBUG; null if it may. */
export function debugRefusal(client: Client): CommandError | null {
  const { enableDebugCommand } = client.server.config;
  if (enableDebugCommand === "yes") return null;
  return enableDebugCommand === "local" && client.server.isLocal(client) ? null : NOT_ALLOWED;
}
