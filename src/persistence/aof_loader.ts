/**
 * AOF loader: repeats what the files of a manifest record.
 *
 * The base is an RDB (read by the RDB reader) or commands, the increments are commands. A file of
 * an older server may be both: an RDB and then commands. Commands go to an injected `replay`, which
 * runs them through the ordinary dispatcher.
 *
 * THE END OF THE LAST FILE may be missing, after a crash. It is cut behind the last command that is
 * complete – and, within a transaction, in front of its MULTI, so that what is appended later does
 * not become part of a transaction that never ended. Zero bytes or garbage at the end (power loss)
 * are cut up to a limit; zero bytes at the very end do not count. What is cut off is kept in a file
 * beside this one ("….cut-at-<offset>").
 *
 * EVERYTHING ELSE IS REFUSED, with the offset: an end that is missing from a file which others
 * follow; a place that cannot be read if a whole command stands behind it (aof_damage.ts), for then
 * it is damage in the middle, however near to the end. Nothing is changed on disk then.
 *
 * The loader gives the event loop a turn every few megabytes, so that clients hear -LOADING, and
 * then tells how far it has come.
 */
import { join } from "@std/path";
import * as clock from "../base/clock.ts";
import { pause } from "../base/pause.ts";
import type { Log } from "../base/log.ts";
import type { Timers } from "../base/timers.ts";
import type { Argv } from "../protocol/argv.ts";
import type { AofFile } from "./aof_manifest.ts";
import { findWholeCommand } from "./aof_damage.ts";
import { AofRecordReader, RECORD_BAD, RECORD_COMMAND, RECORD_END } from "./aof_record_reader.ts";
import { bytesUpToZeros, keepTail } from "./aof_tail.ts";
import { errorText, type FileHandle, type FileSystem, isSystemError } from "./file_system.ts";
import { ProgressLog } from "./progress_log.ts";

/** How often the clock is asked whether the event loop should have a turn. */
const RECORDS_PER_CLOCK_READING = 1024;
const TURN_INTERVAL_US = 50_000;

/** The files cannot be loaded; the log says what to do about it. */
export class AofLoadError extends Error {
  override readonly name = "AofLoadError";
}

/** What became of a command of the file. */
export type ReplayOutcome = "done" | "unknown command" | "wrong number of arguments";

/** Runs the commands of the file. */
export interface AofReplay {
  /** Carries out (or, after MULTI, queues) a command. */
  execute(argv: Argv): ReplayOutcome;
  /** Forgets a transaction that was begun and not ended. */
  discard(): void;
}

export interface AofLoaderOptions {
  readonly files: FileSystem;
  readonly log: Log;
  readonly replay: AofReplay;
  readonly timers: Timers;
  readonly config: {
    readonly aofLoadTruncated: boolean;
    readonly aofLoadCorruptTailMaxSize: number;
    readonly loadingProcessEventsIntervalBytes: number;
    readonly keyLoadDelay: number;
  };
  /** Files are not cut, only read up to where they would be. */
  readonly leavesFiles?: boolean;
  /** Loads the RDB that a file begins with; resolves with the offset behind it. */
  loadRdb(path: string): Promise<number>;
  /** Hears how many bytes of all files are done. */
  onProgress(loadedBytes: number): void;
}

export class AofLoader {
  readonly #options: AofLoaderOptions;
  #bytesBefore = 0;

  constructor(options: AofLoaderOptions) {
    this.#options = options;
  }

  /**
   * Loads all files. `oldStyleName` is the name of an AOF of Redis before 7, for the log lines.
   * Throws AofLoadError, after saying in the log why.
   */
  async load(directory: string, list: readonly AofFile[], oldStyleName: string): Promise<void> {
    const sizes = list.map((file) => this.#sizeOf(directory, file.name));
    let laterBytes = sizes.reduce((sum, bytes) => sum + bytes, 0);
    this.#bytesBefore = 0;
    for (let index = 0; index < list.length; index++) {
      const file = list[index];
      laterBytes -= sizes[index];
      if (sizes[index] > 0) {
        const startUs = clock.monotonicUs();
        await this.#loadFile(directory, file.name, oldStyleName, laterBytes);
        const seconds = ((clock.monotonicUs() - startUs) / 1e6).toFixed(3);
        const kind = file.type === "b" ? "base" : "incr";
        this.#options.log.notice(`The ${kind} file ${file.name} was read in ${seconds} seconds`);
      }
      this.#bytesBefore += sizes[index];
      this.#options.onProgress(this.#bytesBefore);
    }
  }

  #sizeOf(directory: string, name: string): number {
    const path = join(directory, name);
    try {
      const status = this.#options.files.stat(path);
      if (status !== null) return status.bytes;
      throw new Error("No such file or directory");
    } catch (error) {
      this.#refuse(`The AOF file ${name} cannot be found: ${errorText(error)}`);
    }
  }

  async #loadFile(
    directory: string,
    name: string,
    oldStyleName: string,
    laterBytes: number,
  ): Promise<void> {
    const path = join(directory, name);
    let file: FileHandle;
    try {
      file = this.#options.files.openForRead(path);
    } catch (error) {
      const text = errorText(error);
      this.#refuse(`The AOF file ${name} cannot be opened: ${text}`);
    }
    let cut: Cut | null;
    try {
      const reader = new AofRecordReader(file);
      if (reader.startsWith("REDIS") || reader.startsWith("VALKEY")) {
        reader.seek(await this.#loadRdb(path, name, name === oldStyleName));
      }
      const place = { name, path, fileBytes: file.size(), laterBytes };
      cut = await this.#replayFile(reader, place);
    } catch (error) {
      if (!isSystemError(error)) throw error;
      const text = errorText(error);
      this.#refuse(`The AOF file ${name} cannot be read: ${text}`);
    } finally {
      file.close();
    }
    if (cut !== null) this.#cut(path, name, cut);
  }

  async #loadRdb(path: string, name: string, isOldStyle: boolean): Promise<number> {
    const { log } = this.#options;
    log.notice(
      isOldStyle
        ? "The AOF begins with an RDB file, which is read first"
        : "The base of the AOF is an RDB file",
    );
    try {
      const end = await this.#options.loadRdb(path);
      if (isOldStyle) log.notice("The RDB part of the AOF is read, commands follow");
      return end;
    } catch (error) {
      const what = isOldStyle ? "RDB preamble of the AOF file" : "RDB base file";
      log.warning(errorText(error));
      this.#refuse(`Without the ${what} ${name} the AOF cannot be loaded`);
    }
  }

  /** Runs the commands of one file. Returns where it must be cut, or null. */
  async #replayFile(reader: AofRecordReader, place: Place): Promise<Cut | null> {
    const { name, path, fileBytes } = place;
    const { replay, config, onProgress, timers } = this.#options;
    const { argv } = reader;
    const intervalBytes = Math.max(1024, config.loadingProcessEventsIntervalBytes);
    const beginOffset = reader.nextOffset;
    const progress = new ProgressLog(this.#options.log, `Loading ${path}`);
    let goodOffset = beginOffset;
    let lastOffset = beginOffset - 1;
    let isInTransaction = false;
    let nextTurnOffset = goodOffset + intervalBytes;
    let nextTurnUs = clock.monotonicUs() + TURN_INTERVAL_US;
    let records = 0;
    let outcome: number;
    while ((outcome = reader.next()) === RECORD_COMMAND) {
      // Redis: the state is the client's; here it is read off the commands, for the offset's sake.
      if (argv.is(0, "multi")) isInTransaction = true;
      else if (argv.is(0, "exec") || argv.is(0, "discard")) isInTransaction = false;
      const done = replay.execute(argv);
      if (done !== "done") this.#refuseCommand(done, reader, place);
      lastOffset = reader.offset;
      if (!isInTransaction) goodOffset = reader.nextOffset;
      if (config.keyLoadDelay > 0) pause(config.keyLoadDelay);
      const isTurnDue = reader.nextOffset >= nextTurnOffset ||
        (++records % RECORDS_PER_CLOCK_READING === 0 && clock.monotonicUs() >= nextTurnUs);
      if (isTurnDue) {
        onProgress(this.#bytesBefore + reader.nextOffset);
        await timers.sleep(0);
        const { nextOffset } = reader;
        progress.update(clock.refresh(), nextOffset, fileBytes, nextOffset - beginOffset);
        nextTurnOffset = reader.nextOffset + intervalBytes;
        nextTurnUs = clock.monotonicUs() + TURN_INTERVAL_US;
      }
    }
    if (isInTransaction) replay.discard();
    if (outcome === RECORD_END && !isInTransaction) return null;
    if (outcome !== RECORD_END) this.#judge(reader, outcome === RECORD_BAD, lastOffset + 1, place);
    if (isInTransaction) {
      this.#options.log.warning(
        `The AOF ${name} ends within a transaction, of which nothing is carried out`,
      );
    }
    this.#judgeCut(place);
    return { offset: goodOffset, isDamaged: outcome === RECORD_BAD };
  }

  /**
   * Refuses a record that cannot be read, be it wrong or without an end, unless it is the beginning
   * of a tail that may be cut. `searchOffset` is behind the beginning of the record before: that
   * one may have swallowed the beginning of the next.
   */
  #judge(reader: AofRecordReader, isDamaged: boolean, searchOffset: number, place: Place): void {
    const { config, files, log } = this.#options;
    const { name, path, fileBytes, laterBytes } = place;
    const offset = isDamaged ? reader.errorOffset : reader.offset;
    const what = isDamaged ? reader.error : "the record ends behind the end of the file";
    const found = this.#findWholeCommand(path, searchOffset, reader.offset);
    if (found !== -1) {
      this.#refuseFormat(
        place,
        offset,
        `${what}. Whole commands follow at offset ${found}; a repair that cuts the file loses them`,
      );
    }
    if (!isDamaged) {
      log.warning(`The AOF ${name} ends in the middle of a command`);
      return;
    }
    const tailBytes = fileBytes - offset;
    const limitBytes = config.aofLoadCorruptTailMaxSize;
    const mayCut = config.aofLoadTruncated && laterBytes === 0 && limitBytes > 0 &&
      (tailBytes <= limitBytes || bytesUpToZeros(files, path, offset) <= limitBytes);
    if (!mayCut) this.#refuseFormat(place, offset, what);
    log.warning(
      `The AOF file ${name} is damaged at offset ${offset}, in the record at offset ` +
        `${reader.offset}: ${what}. No whole command follows in the ${tailBytes} bytes behind it.`,
    );
  }

  #judgeCut(place: Place): void {
    if (!this.#options.config.aofLoadTruncated) this.#refuseMissingEnd(place);
    // Redis: the file is cut before this is found out, and the next start loads it with the gap.
    if (place.laterBytes > 0) {
      this.#refuse("Only the last file of an AOF may end too early: nothing is cut");
    }
  }

  #findWholeCommand(path: string, offset: number, endsBehind: number): number {
    const file = this.#options.files.openForRead(path);
    try {
      return findWholeCommand(file, offset, endsBehind);
    } finally {
      file.close();
    }
  }

  #cut(path: string, name: string, { offset, isDamaged }: Cut): void {
    const { log, files, leavesFiles } = this.#options;
    if (leavesFiles) {
      log.warning(`The AOF ${name} is loaded up to offset ${offset}; the rest is left alone`);
      return;
    }
    log.warning(`The AOF ${name} is cut at offset ${offset}`);
    this.#keepTail(path, name, offset, isDamaged);
    try {
      const file = files.openForUpdate(path);
      try {
        file.truncate(offset);
        file.sync();
      } finally {
        file.close();
      }
    } catch (error) {
      this.#refuse(`The AOF ${name} cannot be cut: ${errorText(error)}`);
    }
    log.warning(`The AOF ${name} is loaded up to the cut, as aof-load-truncated allows`);
  }

  /**
   * Copies what will be cut off to a file of its own, but for zero bytes at the end. If that fails,
   * damage is not cut; the half command that a crash leaves is, as a full disk must not keep the
   * server from starting.
   */
  #keepTail(path: string, name: string, offset: number, isDamaged: boolean): void {
    const { log, files } = this.#options;
    try {
      const kept = keepTail(files, path, offset);
      if (kept !== null) log.warning(`What is cut off the AOF ${name} is kept in ${kept}`);
    } catch (error) {
      const reason =
        `What is behind offset ${offset} of the AOF ${name} cannot be kept beside it: ` +
        errorText(error);
      if (isDamaged) this.#refuse(`${reason}. So the damaged file is not cut`);
      log.warning(reason);
    }
  }

  #refuseCommand(outcome: ReplayOutcome, reader: AofRecordReader, place: Place): never {
    const { name, path } = place;
    const { argv, offset } = reader;
    if (outcome === "unknown command") {
      this.#refuse(
        `Unknown command '${argv.text(0)}' reading the append only file ${name} ` +
          `(${path}, offset ${offset})`,
      );
    }
    this.#refuseFormat(place, offset, `${outcome} of the command '${argv.text(0)}'`);
  }

  #refuseFormat({ name, path }: Place, offset: number, reason: string): never {
    this.#refuse(
      `Bad file format reading the append only file ${name} ` +
        `(${path}, offset ${offset}: ${reason}). Copy the whole directory first; then ` +
        "'redeno check-aof --fix' with the manifest cuts the file there",
    );
  }

  #refuseMissingEnd({ name, path, fileBytes }: Place): never {
    this.#refuse(
      `Unexpected end of file reading the append only file ${name} ` +
        `(${path}, offset ${fileBytes}). ` +
        "Copy the whole directory first; then either 'aof-load-truncated yes' or 'redeno " +
        "check-aof --fix' with the manifest cuts the last command, which is not complete",
    );
  }

  #refuse(message: string): never {
    this.#options.log.warning(message);
    throw new AofLoadError(message);
  }
}

/** A file that is being loaded. */
interface Place {
  readonly name: string;
  readonly path: string;
  readonly fileBytes: number;
  /** Bytes of the files behind this one. */
  readonly laterBytes: number;
}

/** Where a file must be cut, and whether because of damage or of a missing end. */
interface Cut {
  readonly offset: number;
  readonly isDamaged: boolean;
}
