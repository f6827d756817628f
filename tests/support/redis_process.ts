/**
 * The original: redis-server from the PATH, the yardstick of interop and differential tests.
 *
 * Pinned to 7.0.15, the version whose behaviour we promise. Another version is not used: its
 * replies would fail tests that are right.
 */

import { type ServerOptions, type ServerProcess, startServer } from "./server_process.ts";

/** Starts redis-server; DEBUG is allowed, so that tests can ask for DEBUG DIGEST and the like. */
export function startRedis(options: Omit<ServerOptions, "target"> = {}): Promise<ServerProcess> {
  return startServer({
    ...options,
    target: "redis",
    args: ["--enable-debug-command", "yes", ...(options.args ?? [])],
  });
}
