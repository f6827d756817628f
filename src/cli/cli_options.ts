/**
 * The client's arguments, as redis-cli reads them: options up to the first word that does not begin
 * with `-`, which is the command. Pure: reads no environment and opens nothing.
 *
 * An option of redis-cli that we do not have is refused by name, with the reason.
 */
import { latin1Text } from "../base/bytes.ts";
import { splitArguments } from "../protocol/inline_arguments.ts";
import type { OutputMode } from "./reply_format.ts";

/** What the client does instead of sending the command that was given. */
export type CliMode =
  | "command"
  | "help"
  | "version"
  | "pipe"
  | "scan"
  | "bigkeys"
  | "memkeys"
  | "hotkeys"
  | "stat"
  | "latency"
  | "rdb"
  | "functions-rdb"
  | "replica"
  | "eval";

export interface CliOptions {
  mode: CliMode;
  host: string;
  port: number;
  /** Path of a unix socket, which host and port give way to. */
  socket: string | null;
  user: string | null;
  password: string | null;
  asksPassword: boolean;
  warnsOfPassword: boolean;
  /** From 1 on; negative for ever. */
  repeat: number;
  intervalMs: number;
  database: number;
  /** 3 if -3 was given, "try3" for the output modes that like it better, else 2. */
  protocol: 2 | 3 | "try3";
  /** Null: standard on a terminal, raw elsewhere. */
  output: OutputMode | null;
  elementDelimiter: string;
  replyDelimiter: string;
  /** Null: on a terminal only. */
  showsPushes: boolean | null;
  readsLastArgument: boolean;
  /** The argument to replace by standard input. */
  standardInputTag: string | null;
  hasQuotedInput: boolean;
  failsOnError: boolean;
  tls: boolean;
  serverName: string | null;
  caFile: string | null;
  certificateFile: string | null;
  keyFile: string | null;
  isInsecure: boolean;
  /** A glob pattern as bytes. */
  pattern: Uint8Array | null;
  scanCount: number;
  /** For MEMORY USAGE; null leaves it to the server. */
  memorySamples: number | null;
  keepsLatencyHistory: boolean;
  /** Seconds without a reply after which --pipe gives up; 0 for never. */
  pipeTimeoutS: number;
  scriptFile: string;
  /** Where a snapshot goes; "-" is standard output. */
  rdbFile: string;
  /** The command and its arguments; empty for an interactive session. */
  words: readonly string[];
}

/** Arguments that cannot be obeyed; the message is what the user reads. */
export class CliUsageError extends Error {
  override name = "CliUsageError";
}

/** Options of redis-cli that need something we do not have. */
const UNSUPPORTED: Readonly<Record<string, string>> = {
  "-c": "Redeno has no cluster mode",
  "--cluster": "Redeno has no cluster mode",
  "--latency-dist": "use --latency or --latency-history",
  "--lru-test": "use redis-cli",
  "--intrinsic-latency": "a runtime with garbage collection would measure itself",
  "--ldb": "there is no script debugger",
  "--ldb-sync-mode": "there is no script debugger",
  "--cacertdir": "name one file with --cacert",
  "--tls-ciphers": "the runtime chooses safe ciphers",
  "--tls-ciphersuites": "the runtime chooses safe ciphers",
  "--verbose": "it has a meaning in cluster mode only",
};

const RDB_TWICE = "Option --functions-rdb and --rdb are mutually exclusive.";

const encoder = new TextEncoder();

export function defaultOptions(): CliOptions {
  return {
    mode: "command",
    host: "127.0.0.1",
    port: 6379,
    socket: null,
    user: null,
    password: null,
    asksPassword: false,
    warnsOfPassword: true,
    repeat: 1,
    intervalMs: 0,
    database: 0,
    protocol: 2,
    output: null,
    elementDelimiter: "\n",
    replyDelimiter: "\n",
    showsPushes: null,
    readsLastArgument: false,
    standardInputTag: null,
    hasQuotedInput: false,
    failsOnError: false,
    tls: false,
    serverName: null,
    caFile: null,
    certificateFile: null,
    keyFile: null,
    isInsecure: false,
    pattern: null,
    scanCount: 10,
    memorySamples: null,
    keepsLatencyHistory: false,
    pipeTimeoutS: 30,
    scriptFile: "",
    rdbFile: "",
    words: [],
  };
}

/** As C's atoi: the integer at the head of the text, 0 if there is none. */
export function leadingInteger(text: string): number {
  const value = Number.parseInt(text, 10);
  return Number.isNaN(value) ? 0 : value;
}

/** As C's atof. */
function leadingNumber(text: string): number {
  const value = Number.parseFloat(text);
  return Number.isNaN(value) ? 0 : value;
}

function parsePort(text: string): number {
  const port = leadingInteger(text);
  if (port < 0 || port > 65535) throw new CliUsageError("Invalid server port.");
  return port;
}

/** Text as the binary string that is printed. */
export function binaryOf(text: string): string {
  const bytes = encoder.encode(text);
  return latin1Text(bytes, 0, bytes.length);
}

/**
 * A word as bytes; if `isQuoted`, quotes and escapes in it are resolved. Null if they do not
 * balance or the word is more than one.
 */
export function wordBytes(word: string, isQuoted: boolean): Uint8Array | null {
  const bytes = encoder.encode(word);
  if (!isQuoted) return bytes;
  const words = splitArguments(bytes, 0, bytes.length);
  return words?.length === 1 ? words[0]! : null;
}

type Flag = (options: CliOptions) => void;
type Setting = (options: CliOptions, value: string) => void;

function choose(mode: CliMode): Flag {
  return (options) => {
    options.mode = mode;
  };
}

/** One of the modes that write a snapshot to a file. */
function chooseRdb(mode: "rdb" | "functions-rdb"): Setting {
  return (options, value) => {
    const other = mode === "rdb" ? "functions-rdb" : "rdb";
    if (options.mode === other) throw new CliUsageError(RDB_TWICE);
    options.mode = mode;
    options.rdbFile = value;
  };
}

function print(output: OutputMode): Flag {
  return (options) => {
    options.output = output;
    const likesMaps = output === "json" || output === "quoted-json";
    if (likesMaps && options.protocol !== 3) options.protocol = "try3";
  };
}

const FLAGS: Readonly<Record<string, Flag>> = {
  "--help": choose("help"),
  "--version": choose("version"),
  "-v": choose("version"),
  "--pipe": choose("pipe"),
  "--scan": choose("scan"),
  "--bigkeys": choose("bigkeys"),
  "--memkeys": choose("memkeys"),
  "--hotkeys": choose("hotkeys"),
  "--stat": choose("stat"),
  "--latency": choose("latency"),
  "--replica": choose("replica"),
  "--slave": choose("replica"),
  "--latency-history": (options) => {
    options.mode = "latency";
    options.keepsLatencyHistory = true;
  },
  "--raw": print("raw"),
  "--no-raw": print("standard"),
  "--csv": print("csv"),
  "--json": print("json"),
  "--quoted-json": print("quoted-json"),
  "-3": (options) => (options.protocol = 3),
  "-x": (options) => (options.readsLastArgument = true),
  "-e": (options) => (options.failsOnError = true),
  "--askpass": (options) => (options.asksPassword = true),
  "--no-auth-warning": (options) => (options.warnsOfPassword = false),
  "--quoted-input": (options) => (options.hasQuotedInput = true),
  "--tls": (options) => (options.tls = true),
  "--insecure": (options) => (options.isInsecure = true),
};

const SETTINGS: Readonly<Record<string, Setting>> = {
  "-h": (options, value) => (options.host = value),
  "-p": (options, value) => (options.port = parsePort(value)),
  "-s": (options, value) => (options.socket = value),
  "-a": (options, value) => (options.password = value),
  "--pass": (options, value) => (options.password = value),
  "--user": (options, value) => (options.user = value),
  "-u": applyUri,
  "-r": (options, value) => (options.repeat = leadingInteger(value)),
  "-i": (options, value) => (options.intervalMs = leadingNumber(value) * 1000),
  "-n": (options, value) => (options.database = leadingInteger(value)),
  "-X": (options, value) => (options.standardInputTag = value),
  "-d": (options, value) => (options.elementDelimiter = binaryOf(value)),
  "-D": (options, value) => (options.replyDelimiter = binaryOf(value)),
  "--show-pushes": setShowsPushes,
  "--sni": (options, value) => (options.serverName = value),
  "--cacert": (options, value) => (options.caFile = value),
  "--cert": (options, value) => (options.certificateFile = value),
  "--key": (options, value) => (options.keyFile = value),
  "--pattern": (options, value) => (options.pattern = encoder.encode(value)),
  "--quoted-pattern": setQuotedPattern,
  "--count": (options, value) => (options.scanCount = leadingInteger(value)),
  "--memkeys-samples": setMemorySamples,
  "--rdb": chooseRdb("rdb"),
  "--functions-rdb": chooseRdb("functions-rdb"),
  "--pipe-timeout": (options, value) => (options.pipeTimeoutS = leadingInteger(value)),
  "--eval": (options, value) => {
    options.mode = "eval";
    options.scriptFile = value;
  },
};

function setShowsPushes(options: CliOptions, value: string): void {
  if (/^y/i.test(value)) options.showsPushes = true;
  else if (/^n/i.test(value)) options.showsPushes = false;
  else {
    throw new CliUsageError(`Unknown --show-pushes value '${value}' (valid: '[y]es', '[n]o')`);
  }
}

function setQuotedPattern(options: CliOptions, value: string): void {
  const pattern = wordBytes(value, true);
  if (pattern === null) {
    throw new CliUsageError("Invalid quoted string specified for --quoted-pattern.");
  }
  options.pattern = pattern;
}

function setMemorySamples(options: CliOptions, value: string): void {
  options.mode = "memkeys";
  if (!/^-?\d+$/.test(value)) throw new CliUsageError("--memkeys-samples conversion error.");
  options.memorySamples = Number(value);
  if (options.memorySamples < 0) {
    throw new CliUsageError("--memkeys-samples value should be positive.");
  }
}

/** redis[s]://[[user]:password@]host[:port][/database], or with a password alone before the @. */
function applyUri(options: CliOptions, uri: string): void {
  const match = /^(rediss?):\/\/(?:([^@]*)@)?(\[[^\]]*\]|[^:/]*)(?::([^/]*))?(?:\/(.*))?$/i.exec(
    uri,
  );
  if (match === null) throw new CliUsageError("Invalid URI scheme");
  const [, scheme, userInfo, host, port, database] = match;
  if (scheme!.toLowerCase() === "rediss") options.tls = true;
  if (userInfo !== undefined) {
    const colon = userInfo.indexOf(":");
    if (colon > 0) options.user = percentDecoded(userInfo.slice(0, colon));
    options.password = percentDecoded(userInfo.slice(colon + 1));
  }
  if (host !== undefined && host !== "") options.host = host.replace(/^\[(.*)\]$/, "$1");
  if (port !== undefined) options.port = parsePort(port);
  if (database !== undefined && database !== "") options.database = leadingInteger(database);
}

function percentDecoded(text: string): string {
  if (/%(?![0-9a-f]{2})/i.test(text)) throw new CliUsageError("Illegal character in URI encoding");
  try {
    return decodeURIComponent(text);
  } catch {
    throw new CliUsageError("Illegal character in URI encoding");
  }
}

/** Reads the arguments. Throws CliUsageError. */
export function parseOptions(args: readonly string[]): CliOptions {
  const options = defaultOptions();
  let isExplicit2 = false;
  let i = 0;
  for (; i < args.length && args[i]!.startsWith("-"); i++) {
    const arg = args[i]!;
    const isLast = i === args.length - 1;
    if (arg === "-2") isExplicit2 = true;
    else if (arg === "-h" && isLast) options.mode = "help";
    else if (FLAGS[arg] !== undefined) FLAGS[arg](options);
    else if (SETTINGS[arg] !== undefined && !isLast) SETTINGS[arg](options, args[++i]!);
    else if (UNSUPPORTED[arg] !== undefined) {
      throw new CliUsageError(`Option '${arg}' is not supported: ${UNSUPPORTED[arg]}.`);
    } else throw new CliUsageError(`Unrecognized option or bad number of args for: '${arg}'`);
    if (options.mode === "help" || options.mode === "version") return options;
  }
  options.words = args.slice(i);
  if (isExplicit2 && options.protocol === 3) {
    throw new CliUsageError("Options -2 and -3 are mutually exclusive.");
  }
  if (isExplicit2) options.protocol = 2;
  if (options.readsLastArgument && options.standardInputTag !== null) {
    throw new CliUsageError("Options -x and -X are mutually exclusive.");
  }
  return options;
}
