/**
 * `redeno cli`: a command-line client with the options, the words and the exit codes of redis-cli
 * 7.0.15, for those who have none. Knows no more of our server than of any other.
 *
 * Left out are cluster and benchmark modes and the script debugger; asking for one is
 * an error that says so.
 */
import { ConnectionError } from "./cli_connection.ts";
import { CLI_HELP_TEXT } from "./cli_help_text.ts";
import { CliInput } from "./cli_input.ts";
import { type CliOptions, CliUsageError, parseOptions, wordBytes } from "./cli_options.ts";
import { CliExit, type CliOutput, ProcessOutput } from "./cli_output.ts";
import { CliSession, type Words } from "./cli_session.ts";
import { Interactive } from "./interactive.ts";
import { findHotKeys, findLargeKeys, type Sampling, scanKeys } from "./key_sampling.ts";
import { historyPath, LineHistory } from "./line_history.ts";
import { LineReader } from "./line_reader.ts";
import { pipe } from "./pipe_mode.ts";
import { followMaster, transferSnapshot } from "./replica_mode.ts";
import { watchLatency, watchStatistics } from "./server_watch.ts";

const PASSWORD_WARNING = "Warning: Using a password with '-a' or '-u' option on the command line " +
  "interface may not be safe.\n";

const encoder = new TextEncoder();

/** Runs the client to its end. `title` is the name and version. Returns the exit code. */
export async function cliMain(args: readonly string[], title: string): Promise<number> {
  const output = new ProcessOutput();
  try {
    const options = parseOptions(args);
    if (options.mode === "help") output.print(`${title}\n\n${CLI_HELP_TEXT}`);
    else if (options.mode === "version") output.print(`${title}\n`);
    else return await new Cli(options, output, title).run();
    return 0;
  } catch (error) {
    if (error instanceof CliExit) return error.code;
    if (!(error instanceof CliUsageError)) throw error;
    output.printError(`${error.message}\n`);
    return 1;
  }
}

class Cli {
  readonly #options: CliOptions;
  readonly #output: CliOutput;
  readonly #title: string;
  readonly #input = new CliInput();
  readonly #session: CliSession;
  #isCancelled = false;

  constructor(options: CliOptions, output: CliOutput, title: string) {
    this.#options = options;
    this.#output = output;
    this.#title = title;
    this.#session = new CliSession(options, output);
  }

  async run(): Promise<number> {
    await this.#findPassword();
    switch (this.#options.mode) {
      case "command":
        if (this.#options.words.length === 0) return await this.#interact();
        return await this.#issue(await this.#readCommand());
      case "eval":
        return await this.#issue(await this.#readScript());
      default:
        return await this.#runMode();
    }
  }

  async #findPassword(): Promise<void> {
    const options = this.#options;
    if (options.password !== null && options.warnsOfPassword) {
      this.#output.printError(PASSWORD_WARNING);
    }
    options.password ??= Deno.env.get("REDISCLI_AUTH") ?? null;
    if (!options.asksPassword) return;
    options.password = await this.#lineReader().readSecret("Please input password: ");
  }

  #lineReader(): LineReader {
    const show = (text: string) => this.#session.printText(text);
    return new LineReader(this.#input, show, Deno.env.get("TERM") ?? "");
  }

  async #interact(): Promise<number> {
    Deno.addSignalListener("SIGINT", () => {
      if (!this.#session.abortListening()) Deno.exit(1);
    });
    const history = this.#input.isTerminal
      ? new LineHistory(historyPath((name) => Deno.env.get(name)))
      : null;
    await new Interactive(this.#session, this.#lineReader(), history, this.#title).run();
    return 0;
  }

  /** The command's words, one of them perhaps from standard input. */
  async #readCommand(): Promise<Words> {
    const { words, hasQuotedInput, readsLastArgument, standardInputTag } = this.#options;
    const command: Uint8Array[] = [];
    for (const word of words) {
      const bytes = wordBytes(word, hasQuotedInput);
      if (bytes === null) return this.#refuse("Invalid quoted string\n");
      command.push(bytes);
    }
    if (readsLastArgument) command.push(await this.#input.readAll());
    if (standardInputTag !== null) {
      const place = words.indexOf(standardInputTag);
      if (place < 0) {
        this.#output.printError("Using -X option but stdin tag not match.\n");
        throw new CliExit(1);
      }
      command[place] = await this.#input.readAll();
    }
    return command;
  }

  #refuse(text: string): never {
    this.#output.print(text);
    throw new CliExit(1);
  }

  /** EVAL with the script of --eval; a comma parts keys from arguments. */
  async #readScript(): Promise<Words> {
    const { scriptFile, words } = this.#options;
    let script: Uint8Array;
    try {
      script = await Deno.readFile(scriptFile);
    } catch (error) {
      const reason = error instanceof Deno.errors.NotFound
        ? "No such file or directory"
        : String(error);
      this.#output.printError(`Can't open file '${scriptFile}': ${reason}\n`);
      throw new CliExit(1);
    }
    const comma = words.indexOf(",");
    const keyCount = comma < 0 ? words.length : comma;
    const others = words.filter((_, i) => i !== comma).map((word) => encoder.encode(word));
    return [encoder.encode("EVAL"), script, encoder.encode(String(keyCount)), ...others];
  }

  async #issue(command: Words): Promise<number> {
    const name = this.#options.words[0]?.toLowerCase();
    if (this.#options.mode === "command" && (name === "help" || name === "?")) {
      return await this.#showHelp();
    }
    return await this.#session.issue(command, this.#options.repeat) ? 0 : 1;
  }

  /** `help …` on the command line asks the server, too: all help comes from there. */
  async #showHelp(): Promise<number> {
    if (!await this.#session.connect()) return 1;
    const interactive = new Interactive(this.#session, this.#lineReader(), null, this.#title);
    await interactive.showHelp(this.#options.words.slice(1));
    return 0;
  }

  async #runMode(): Promise<number> {
    if (!await this.#session.connect()) return 1;
    try {
      return await this.#runConnected();
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      this.#output.printError(`Error: ${error.message}\n`);
      return 1;
    }
  }

  async #runConnected(): Promise<number> {
    const { mode, pipeTimeoutS } = this.#options;
    const connection = this.#session.connection!;
    if (mode === "pipe") return await pipe(this.#input, connection, this.#output, pipeTimeoutS);
    if (mode === "stat") return await watchStatistics(this.#session);
    if (mode === "latency") return await watchLatency(this.#session);
    if (mode === "replica") return await followMaster(this.#session);
    if (mode === "rdb" || mode === "functions-rdb") return await transferSnapshot(this.#session);
    Deno.addSignalListener("SIGINT", () => {
      this.#isCancelled = true;
    });
    const sampling: Sampling = {
      connection,
      output: this.#output,
      options: this.#options,
      isQuoted: this.#session.mode === "standard",
      isCancelled: () => this.#isCancelled,
    };
    if (mode === "scan") await scanKeys(sampling);
    else if (mode === "hotkeys") await findHotKeys(sampling);
    else await findLargeKeys(sampling, mode === "memkeys");
    return 0;
  }
}
