/**
 * The program: reads the command line, joins command table and configuration to a server, and waits
 * for signals.
 */
import { AssertionFailure } from "./src/base/assert.ts";
import { log } from "./src/base/log.ts";
import { commandRows } from "./src/commands/table.ts";
import { formatVersion, HELP_TEXT, parseCommandLine } from "./src/server/command_line.ts";
import { ConfigFileError, loadConfig, readStandardInput } from "./src/server/config_file.ts";
import { REDENO_VERSION, Server } from "./src/server/server.ts";

async function main(): Promise<void> {
  const commandLine = parseCommandLine(Deno.args);
  switch (commandLine.kind) {
    case "version":
      return print(`${formatVersion(REDENO_VERSION)}\n`);
    case "help":
      return print(HELP_TEXT);
    case "error":
      return fail(commandLine.message);
    case "serve":
      break;
    default:
      return fail(`${commandLine.kind} is not part of this version`);
  }
  const config = loadConfig({
    file: commandLine.file,
    standardInput: commandLine.readsStandardInput ? readStandardInput() : null,
    directives: commandLine.directives,
  });
  const server = new Server({ config, rows: commandRows, log });
  await server.start();
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}

function fail(message: string): never {
  Deno.stderr.writeSync(new TextEncoder().encode(`${message}\n`));
  Deno.exit(1);
}

globalThis.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  crash(event.reason);
});
globalThis.addEventListener("error", (event) => {
  event.preventDefault();
  crash(event.error);
});

/** A mistake of ours: data that may be half-changed is not served any longer. */
function crash(error: unknown): never {
  const kind = error instanceof AssertionFailure ? "ASSERTION FAILED" : "BUG REPORT";
  const text = error instanceof Error ? error.stack ?? error.message : String(error);
  log.warning(`=== REDENO ${kind} START: Cut & paste starting from here ===`);
  log.warning(text);
  log.warning("The server stops rather than serve data that may be half-changed.");
  Deno.exit(1);
}

try {
  await main();
} catch (error) {
  if (error instanceof ConfigFileError) fail(error.report);
  crash(error);
}
