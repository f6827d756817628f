/**
 * The program: reads the command line, joins command table and configuration to a server, and waits
 * for signals.
 */
import { AssertionFailure } from "./src/base/assert.ts";
import { log } from "./src/base/log.ts";
import { commandRows } from "./src/commands/table.ts";
import { AofLoadError } from "./src/persistence/aof_loader.ts";
import { checkAofMain } from "./src/persistence/check_aof.ts";
import { checkRdbMain } from "./src/persistence/check_rdb.ts";
import { DiskFileSystem } from "./src/persistence/file_system.ts";
import { RdbFormatError } from "./src/persistence/rdb_format.ts";
import { formatVersion, HELP_TEXT, parseCommandLine } from "./src/config/command_line.ts";
import type { Config } from "./src/config/config.ts";
import { renameCommands } from "./src/server/config_effects.ts";
import { ConfigFileError, loadConfig, readStandardInput } from "./src/config/config_file.ts";
import { OomScore } from "./src/server/oom_score.ts";
import { clientsWithin, openFilesLimit } from "./src/net/open_files.ts";
import { openTransport } from "./src/net/transport.ts";
import { REDENO_VERSION, REDIS_CLI_VERSION } from "./src/config/version.ts";
import { rehearse } from "./src/server/rehearsal.ts";
import { Server } from "./src/server/server.ts";
import { greet, warnIfExposed } from "./src/server/start_banner.ts";
import { SystemMemory } from "./src/server/system_memory.ts";
import { shutdownOptions } from "./src/durability/shutdown.ts";

/** Who waits for the start has been answered by then. */
const REHEARSAL_DELAY_MS = 50;
/** What shells report of a program that SIGPIPE has ended: 128 and its number. */
const SIGPIPE_EXIT_CODE = 141;

async function main(): Promise<void> {
  const commandLine = parseCommandLine(Deno.args);
  switch (commandLine.kind) {
    case "version":
      return print(`${formatVersion(REDENO_VERSION)}\n`);
    case "help":
      return print(HELP_TEXT);
    case "error":
      return fail(commandLine.message);
    case "check-rdb":
      return Deno.exit(checkRdbMain(new DiskFileSystem(), commandLine.args, printLine, printError));
    case "check-aof": {
      const tool = { files: new DiskFileSystem(), print, confirm: readAnswer };
      return Deno.exit(checkAofMain(commandLine.args, tool));
    }
    case "cli": {
      // A server has no use for it, and starts the sooner.
      const { cliMain } = await import("./src/cli/cli.ts");
      const title = `redeno cli ${REDENO_VERSION}, compatible with redis-cli ${REDIS_CLI_VERSION}`;
      return Deno.exit(await cliMain(commandLine.args, title));
    }
    case "serve":
      break;
  }
  const config = loadConfig({
    file: commandLine.file,
    standardInput: commandLine.readsStandardInput ? readStandardInput() : null,
    directives: commandLine.directives,
  });
  let server: Server;
  try {
    const isConfigured = commandLine.directives.length > 0 || commandLine.readsStandardInput;
    server = await startServer(config, isConfigured);
  } catch (error) {
    const isOfStart = error instanceof Error && !(error instanceof ConfigFileError);
    if (error instanceof AssertionFailure || !isOfStart) throw error;
    // What is wrong with the AOF has been logged where it was found.
    if (!(error instanceof AofLoadError)) {
      log.warning(
        error instanceof RdbFormatError
          ? `Fatal error loading the DB: ${error.message}`
          : `The server cannot start: ${error.message}`,
      );
    }
    Deno.exit(1);
  }
  warnIfExposed(server);
  log.notice("Ready to accept connections");
  server.supervision.ready();
  server.timers.create(() => void rehearse(commandRows)).start(REHEARSAL_DELAY_MS);
}

/** Makes the server and starts it. Rejects if it cannot serve, with an Error that says why. */
async function startServer(config: Config, isConfigured: boolean): Promise<Server> {
  const { eventLoop, text: transportText } = await openTransport(config);
  const systemMemory = SystemMemory.open();
  const server = new Server({ config, rows: commandRows, log, eventLoop, systemMemory });
  renameCommands(server);
  greet(config, isConfigured, log);
  log.notice(`Clients are carried by ${transportText}`);
  config.maxclients = clientsWithin(openFilesLimit(config.maxclients), config.maxclients, log);
  new OomScore(log).follow(config, server.replication.state);
  listenForSignals(server);
  server.supervision.begin(config.supervised);
  await server.start();
  return server;
}

/**
 * Ctrl-C and SIGTERM end the server as SHUTDOWN does. Saving is done within the handler, so when a
 * second signal is heard the first one has been given up, and is forgotten.
 */
function listenForSignals(server: Server): void {
  const shutdown = (name: string, words: readonly string[]) => {
    log.warning(`Received ${name} scheduling shutdown...`);
    const outcome = server.process.shutdown(shutdownOptions(words));
    if (outcome !== "refused") return;
    log.warning(`${name} does not end the server, for its data are not safe`);
  };
  Deno.addSignalListener("SIGINT", () => shutdown("SIGINT", server.config.shutdownOnSigint));
  try {
    Deno.addSignalListener("SIGTERM", () => shutdown("SIGTERM", server.config.shutdownOnSigterm));
  } catch {
    // Windows knows no SIGTERM before Deno 2.7.6; its way to end a console program is Ctrl-Break.
  }
  if (Deno.build.os === "windows") {
    Deno.addSignalListener("SIGBREAK", () => shutdown("SIGBREAK", server.config.shutdownOnSigterm));
  } else {
    // A server goes on when its terminal is closed.
    Deno.addSignalListener("SIGHUP", () => {});
  }
}

function printLine(line: string): void {
  print(`${line}\n`);
}

function printError(line: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`));
}

/** Whether the first character of the answer that is typed (or piped) in is "y". */
function readAnswer(): boolean {
  const bytes = new Uint8Array(1);
  return Deno.stdin.readSync(bytes) === 1 && (bytes[0] === 0x79 || bytes[0] === 0x59);
}

/** Ends the program silently if nobody reads any more, as SIGPIPE ends others. */
function print(text: string): void {
  try {
    Deno.stdout.writeSync(new TextEncoder().encode(text));
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) Deno.exit(SIGPIPE_EXIT_CODE);
    throw error;
  }
}

function fail(message: string): never {
  printError(message);
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
