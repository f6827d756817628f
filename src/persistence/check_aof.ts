/**
 * Check AOF: looks through an append-only file, as redis-check-aof does, and cuts it where it is
 * damaged (`--fix`) or where a moment has passed (`--truncate-to-timestamp`). `redeno check-aof` is
 * this.
 *
 *   check-aof [--fix] [--truncate-to-timestamp SECONDS] <file or manifest>
 *
 * A manifest is checked with all files it names; only the last of them may be cut. A single file
 * may begin with an RDB. Lines and exit codes are those of redis-check-aof 7.0, so that scripts
 * understand both; the reason of an error is in our own words, with the offset of the wrong byte.
 * (Redis: --fix and --truncate-to-timestamp exclude each other; the line counted is that of the
 * error, not of the end of what is good.)
 */
import { basename, dirname, join } from "@std/path";
import { AofManifest, AofManifestError, readManifest } from "./aof_manifest.ts";
import {
  AofRecordReader,
  RECORD_ANNOTATION,
  RECORD_BAD,
  RECORD_SHORT,
} from "./aof_record_reader.ts";
import { findWholeCommand } from "./aof_damage.ts";
import { keepTail } from "./aof_tail.ts";
import { checkRdb } from "./check_rdb.ts";
import { errorText, type FileHandle, type FileSystem } from "./file_system.ts";

/** What the tool works with. */
export interface CheckAofTool {
  readonly files: FileSystem;
  /** Takes text as it is. */
  print(text: string): void;
  /** Waits for an answer; true = yes. */
  confirm(): boolean;
}

const USAGE = "Usage: redeno check-aof [--fix|--truncate-to-timestamp $timestamp] <AOF/manifest>";
const TIME_MARK = "#TS:";

/** The tool gives up; its last line says why. */
class GiveUp extends Error {}

interface CheckOptions {
  path: string;
  fixes: boolean;
  /** Unix time in seconds; null = no cut by time. */
  timestamp: number | null;
}

/** How far a file is in order. */
interface Extent {
  /** Behind the last unit that is complete. */
  offset: number;
  line: number;
  /** Offset of an annotation of a time beyond the limit; -1 if there is none. */
  laterOffset: number;
  error: string | null;
}

/** Runs the tool with these arguments; returns the exit code. */
export function checkAofMain(args: readonly string[], tool: CheckAofTool): number {
  try {
    const options = parseArguments(args);
    new AofChecker(tool, options).check();
    return 0;
  } catch (error) {
    if (!(error instanceof GiveUp)) throw error;
    tool.print(`${error.message}\n`);
    return 1;
  }
}

function parseArguments(args: readonly string[]): CheckOptions {
  const options: CheckOptions = { path: "", fixes: false, timestamp: null };
  const paths: string[] = [];
  for (let index = 0; index < args.length; index++) {
    if (args[index] === "--fix") {
      options.fixes = true;
    } else if (args[index] === "--truncate-to-timestamp") {
      const text = args[++index] ?? "";
      if (!/^\d{1,15}$/.test(text)) throw new GiveUp("Invalid timestamp, aborting...");
      options.timestamp = Number(text);
    } else {
      paths.push(args[index]);
    }
  }
  if (paths.length !== 1) throw new GiveUp(USAGE);
  options.path = paths[0];
  return options;
}

class AofChecker {
  readonly #tool: CheckAofTool;
  readonly #options: CheckOptions;

  constructor(tool: CheckAofTool, options: CheckOptions) {
    this.#tool = tool;
    this.#options = options;
  }

  check(): void {
    const { path } = this.#options;
    if (this.#isManifest(path)) {
      this.#checkManifest(path);
      return;
    }
    this.#line("Start checking Old-Style AOF");
    this.#checkFile({ path, name: path, kind: "AOF", isLast: true, hasRdb: this.#isRdb(path) });
  }

  #checkManifest(path: string): void {
    this.#line("Start checking Multi Part AOF");
    const directory = dirname(path);
    const { base, increments, filesToLoad } = this.#readManifest(path);
    const last = filesToLoad.at(-1);
    if (base !== null) {
      const basePath = join(directory, base.name);
      const hasRdb = this.#isRdb(basePath);
      this.#line(`Start to check BASE AOF (${hasRdb ? "RDB" : "RESP"} format).`);
      const isLast = base === last;
      this.#checkFile({ path: basePath, name: base.name, kind: "BASE AOF", isLast, hasRdb });
    }
    if (increments.length > 0) this.#line("Start to check INCR files.");
    for (const file of increments) {
      const { name } = file;
      const isLast = file === last;
      const kind = "INCR AOF";
      this.#checkFile({ path: join(directory, name), name, kind, isLast, hasRdb: false });
    }
    this.#line("All AOF files and manifest are valid");
  }

  #readManifest(path: string): AofManifest {
    try {
      return readManifest(this.#tool.files, path) ?? new AofManifest();
    } catch (error) {
      if (!(error instanceof AofManifestError)) throw error;
      const place = error.line === 0
        ? ""
        : `Reading the manifest file, at line ${error.line}\n>>> '${error.text}'\n`;
      throw new GiveUp(`\n*** FATAL AOF MANIFEST FILE ERROR ***\n${place}${error.reason}`);
    }
  }

  #checkFile(
    { path, name, kind, isLast, hasRdb }: {
      path: string;
      name: string;
      kind: string;
      isLast: boolean;
      hasRdb: boolean;
    },
  ): void {
    const file = this.#open(path);
    try {
      const bytes = file.size();
      if (bytes === 0) {
        this.#line(`${kind} ${name} is empty`);
        return;
      }
      const reader = new AofRecordReader(file);
      if (hasRdb) reader.seek(this.#checkRdb(path));
      const extent = this.#readRecords(reader, basename(path));
      if (extent.laterOffset !== -1) {
        this.#cutAtTime(file, path, name, extent.laterOffset, isLast);
      } else if (this.#judge(file, name, bytes, extent, isLast)) {
        this.#line(`${kind} ${name} is valid`);
      } else if (!this.#options.fixes) {
        throw new GiveUp(`${kind} ${name} is not valid. Use the --fix option to try fixing it.`);
      }
    } finally {
      file.close();
    }
  }

  #checkRdb(path: string): number {
    const { files } = this.#tool;
    const { isSane, isReadable, endOffset } = checkRdb(files, path, (line) => this.#line(line));
    if (!isReadable) {
      throw new GiveUp("RDB preamble of AOF file cannot be read by this version, aborting.");
    }
    if (!isSane) throw new GiveUp("RDB preamble of AOF file is not sane, aborting.");
    this.#line("RDB preamble is OK, proceeding with AOF tail...");
    return endOffset;
  }

  /** Reads records up to the end, to the first that is wrong, or to a time beyond the limit. */
  #readRecords(reader: AofRecordReader, name: string): Extent {
    const { timestamp } = this.#options;
    const extent: Extent = { offset: reader.nextOffset, line: 1, laterOffset: -1, error: null };
    let line = 1;
    let isInTransaction = false;
    let outcome: number;
    reader.stopsAtAnnotations = true;
    while ((outcome = reader.next()) > 0) {
      if (outcome === RECORD_ANNOTATION) {
        if (timestamp !== null && secondsOf(reader.annotation) > timestamp) {
          extent.laterOffset = isInTransaction ? extent.offset : reader.offset;
          return extent;
        }
      } else {
        const { argv } = reader;
        const opens = argv.is(0, "multi");
        if ((opens && isInTransaction) || (argv.is(0, "exec") && !isInTransaction)) {
          const word = opens ? "MULTI" : "EXEC";
          extent.error = at(reader.offset, `Unexpected ${word} in AOF ${name}`);
          return extent;
        }
        if (opens) isInTransaction = true;
        else if (argv.is(0, "exec")) isInTransaction = false;
        line += 1 + 2 * argv.count;
      }
      if (isInTransaction) continue;
      extent.offset = reader.nextOffset;
      extent.line = line;
    }
    extent.error = describeEnd(reader, outcome, isInTransaction);
    return extent;
  }

  /** Says how far a file is good, and cuts it there if asked to. Returns whether all of it is. */
  #judge(file: FileHandle, name: string, bytes: number, extent: Extent, isLast: boolean): boolean {
    const { offset, line, error } = extent;
    if (error !== null) this.#line(error);
    const badBytes = bytes - offset;
    if (badBytes === 0 && this.#options.timestamp !== null) return true;
    this.#line(
      `AOF analyzed: filename=${name}, size=${bytes}, ok_up_to=${offset}, ` +
        `ok_up_to_line=${line}, diff=${badBytes}`,
    );
    if (badBytes === 0) return true;
    if (!this.#options.fixes) return false;
    if (!isLast) {
      throw new GiveUp(`Failed to truncate AOF ${name} because it is not the last file`);
    }
    this.#line(
      `This will shrink the AOF ${name} from ${bytes} bytes, with ${badBytes} bytes, to ` +
        `${offset} bytes`,
    );
    const found = findWholeCommand(file, offset, offset);
    if (found !== -1) this.#line(`Whole commands, from offset ${found} on, are cut off with it.`);
    this.#tool.print("Continue? [y/N]: ");
    if (!this.#tool.confirm()) throw new GiveUp("Aborting...");
    this.#keep(file.path, offset, name);
    this.#cut(file, offset, `Failed to truncate AOF ${name}`);
    this.#line(`Successfully truncated AOF ${name}`);
    return false;
  }

  #cutAtTime(
    file: FileHandle,
    path: string,
    name: string,
    offset: number,
    isLast: boolean,
  ): void {
    const { timestamp } = this.#options;
    if (offset === 0) {
      throw new GiveUp(`AOF ${path} has nothing before timestamp ${timestamp}, aborting...`);
    }
    if (!isLast) {
      throw new GiveUp(
        `Failed to truncate AOF ${path} to timestamp ${timestamp} to offset ${offset} because it ` +
          "is not the last file.\nIf you insist, please delete all files after this file " +
          "according to the manifest file and delete the corresponding records in manifest file " +
          "manually. Then re-run redis-check-aof.",
      );
    }
    this.#cut(file, offset, `Failed to truncate AOF ${path} to timestamp ${timestamp}`);
    this.#line(`Successfully truncated AOF ${name} to timestamp ${timestamp}`);
  }

  #keep(path: string, offset: number, name: string): void {
    try {
      const kept = keepTail(this.#tool.files, path, offset);
      if (kept !== null) this.#line(`What is cut off is kept in ${kept}`);
    } catch (error) {
      throw new GiveUp(`Failed to keep what is cut off AOF ${name}: ${errorText(error)}`);
    }
  }

  #cut(file: FileHandle, offset: number, failure: string): void {
    try {
      file.truncate(offset);
      file.sync();
    } catch (error) {
      throw new GiveUp(`${failure}: ${errorText(error)}`);
    }
  }

  /** Only a tool that cuts needs to write; a file that may not be written can be checked. */
  #open(path: string): FileHandle {
    const { files } = this.#tool;
    const { fixes, timestamp } = this.#options;
    try {
      return fixes || timestamp !== null ? files.openForUpdate(path) : files.openForRead(path);
    } catch (error) {
      throw new GiveUp(`Cannot open file ${path}: ${errorText(error)}, aborting...`);
    }
  }

  /** Whether the first line that is no comment begins as those of manifests do. */
  #isManifest(path: string): boolean {
    const head = this.#readHead(path, 4096);
    const line = head.split("\n").find((each) => !each.startsWith("#")) ?? "";
    return line.startsWith("file");
  }

  #isRdb(path: string): boolean {
    return /^(?:REDIS|VALKEY)/.test(this.#readHead(path, 6));
  }

  #readHead(path: string, length: number): string {
    let file: FileHandle;
    try {
      file = this.#tool.files.openForRead(path);
    } catch (error) {
      throw new GiveUp(`Cannot open file ${path}: ${errorText(error)}`);
    }
    try {
      const bytes = new Uint8Array(length);
      const count = file.read(bytes, 0, length);
      return String.fromCharCode(...bytes.subarray(0, count));
    } finally {
      file.close();
    }
  }

  #line(text: string): void {
    this.#tool.print(`${text}\n`);
  }
}

/** What is wrong with the end of a file, or null. */
function describeEnd(
  reader: AofRecordReader,
  outcome: number,
  isInTransaction: boolean,
): string | null {
  if (outcome === RECORD_BAD) return at(reader.errorOffset, reader.error);
  if (outcome === RECORD_SHORT) return at(reader.offset, "The file ends within this record");
  if (isInTransaction) return at(reader.offset, "Reached EOF before reading EXEC for MULTI");
  return null;
}

/** The time of an annotation in seconds; -Infinity if it tells none. */
function secondsOf(annotation: string): number {
  if (!annotation.startsWith(TIME_MARK)) return -Infinity;
  const text = annotation.slice(TIME_MARK.length);
  if (!/^\d+$/.test(text)) throw new GiveUp("Invalid timestamp annotation");
  return Number(text);
}

function at(offset: number, text: string): string {
  return `0x${offset.toString(16).padStart(16)}: ${text}`;
}
