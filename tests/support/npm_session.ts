/**
 * Sessions of npm packages: a script beside the tests that uses packages against a server, in a
 * process of its own, and prints what it saw, one JSON value per line.
 */

import { assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { startServer } from "./server_process.ts";
import { NPM_RUN_ARGUMENTS, runTool, testWith, type Tool } from "./tool_availability.ts";

const PERMISSIONS = ["--allow-net", "--allow-env", "--allow-sys", "--allow-read"];

/**
 * Declares a test that runs a script of tests/interop/npm against a fresh server and expects these
 * lines of it; ignored if one of the packages cannot be had. The script gets the port.
 */
export function testNpmSession(
  packages: readonly Tool[],
  name: string,
  script: string,
  expected: unknown[],
): void {
  testWith(packages, name, async () => {
    await using server = await startServer();
    const path = fromFileUrl(new URL(`../interop/npm/${script}`, import.meta.url));
    const args = ["run", "--quiet", ...NPM_RUN_ARGUMENTS, ...PERMISSIONS, path];
    const { stdout } = await runTool(Deno.execPath(), [...args, String(server.port)]);
    assertEquals(stdout.trimEnd().split("\n").map((line) => JSON.parse(line)), expected);
  });
}
