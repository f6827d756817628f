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
 * are cut up to a limit; zero bytes at the very end do not count.
 *
 * EVERYTHING ELSE IS REFUSED, with the offset: damage in the middle; an end that is missing from a
 * file which others follow. Nothing is changed on disk then. A damaged length in the middle looks
 * like a missing end; so before much is cut, what would be lost is searched for complete commands.
 *
 * The loader gives the event loop a turn every few megabytes, so that clients hear -LOADING, and
 * then tells how far it has come.
 */
import { join } from "@std/path";
import * as clock from "../base/clock.ts";
import { pause } from "../base/pause.ts";
import type { Log } from "../base/log.ts";
import type { Argv } from "../protocol/argv.ts";
import type { AofFile } from "./aof_manifest.ts";
import {
  AofRecordReader,
  MemorySource,
  RECORD_BAD,
  RECORD_COMMAND,
  RECORD_END,
  RECORD_SHORT,
} from "./aof_record_reader.ts";
import { errorText, type FileHandle, type FileSystem, isSystemError } from "./file_system.ts";
import { ProgressLog } from "./progress_log.ts";

/** How often the clock is asked whether the event loop should have a turn. */
const RECORDS_PER_CLOCK_READING = 1024;
const TURN_INTERVAL_US = 50_000;
/** How much behind a record without end is searched for commands. */
const SEARCH_BYTES_MAX = 1024 * 1024;

/** The files cannot be loaded; the log says what to do about it. */
export class AofLoadError extends Error {
  override readonly name = "AofLoadError";
}

/** Runs the commands of the file. */
export interface AofReplay {
  /** Carries out (or, after MULTI, queues) a command; false: there is no such command. */
  execute(argv: Argv): boolean;
  /** Forgets a transaction that was begun and not ended. */
  discard(): void;
}

export interface AofLoaderOptions {
  readonly files: FileSystem;
  readonly log: Log;
  readonly replay: AofReplay;
  readonly config: {
    readonly aofLoadTruncated: boolean;
    readonly aofLoadCorruptTailMaxSize: number;
    readonly loadingProcessEventsIntervalBytes: number;
    readonly keyLoadDelay: number;
  };
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
        this.#options.log.notice(`DB loaded from ${kind} file ${file.name}: ${seconds} seconds`);
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
      this.#refuse(`Unable to obtain the AOF file ${name} length. stat: ${errorText(error)}`);
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
      this.#refuse(`Fatal error: can't open the append log file ${name} for reading: ${text}`);
    }
    let cutAt: number;
    try {
      const reader = new AofRecordReader(file);
      if (reader.startsWith("REDIS")) {
        reader.seek(await this.#loadRdb(path, name, name === oldStyleName));
      }
      cutAt = await this.#replayFile(reader, name, path, file.size(), laterBytes);
    } catch (error) {
      if (!isSystemError(error)) throw error;
      const text = errorText(error);
      this.#refuse(`Unrecoverable error reading the append only file ${name}: ${text}`);
    } finally {
      file.close();
    }
    if (cutAt !== -1) this.#cut(path, name, cutAt);
  }

  async #loadRdb(path: string, name: string, isOldStyle: boolean): Promise<number> {
    const { log } = this.#options;
    log.notice(
      isOldStyle
        ? "Reading RDB preamble from AOF file..."
        : "Reading RDB base file on AOF loading...",
    );
    try {
      const end = await this.#options.loadRdb(path);
      if (isOldStyle) log.notice("Reading the remaining AOF tail...");
      return end;
    } catch (error) {
      const what = isOldStyle ? "RDB preamble of the AOF file" : "RDB base file";
      log.warning(errorText(error));
      this.#refuse(`Error reading the ${what} ${name}, AOF loading aborted`);
    }
  }

  /** Runs the commands of one file. Returns the offset at which it must be cut, or -1. */
  async #replayFile(
    reader: AofRecordReader,
    name: string,
    path: string,
    fileBytes: number,
    laterBytes: number,
  ): Promise<number> {
    const { replay, config, onProgress } = this.#options;
    const { argv } = reader;
    const intervalBytes = Math.max(1024, config.loadingProcessEventsIntervalBytes);
    const beginOffset = reader.nextOffset;
    const progress = new ProgressLog(this.#options.log, `Loading ${path}`);
    let goodOffset = beginOffset;
    let isInTransaction = false;
    let nextTurnOffset = goodOffset + intervalBytes;
    let nextTurnUs = clock.monotonicUs() + TURN_INTERVAL_US;
    let records = 0;
    let outcome: number;
    while ((outcome = reader.next()) === RECORD_COMMAND) {
      // Redis: the state is the client's; here it is read off the commands, for the offset's sake.
      if (argv.is(0, "multi")) isInTransaction = true;
      else if (argv.is(0, "exec") || argv.is(0, "discard")) isInTransaction = false;
      if (!replay.execute(argv)) {
        this.#refuse(`Unknown command '${argv.text(0)}' reading the append only file ${name}`);
      }
      if (!isInTransaction) goodOffset = reader.nextOffset;
      if (config.keyLoadDelay > 0) pause(config.keyLoadDelay);
      const isTurnDue = reader.nextOffset >= nextTurnOffset ||
        (++records % RECORDS_PER_CLOCK_READING === 0 && clock.monotonicUs() >= nextTurnUs);
      if (isTurnDue) {
        onProgress(this.#bytesBefore + reader.nextOffset);
        await eventLoopTurn();
        const { nextOffset } = reader;
        progress.update(clock.refresh(), nextOffset, fileBytes, nextOffset - beginOffset);
        nextTurnOffset = reader.nextOffset + intervalBytes;
        nextTurnUs = clock.monotonicUs() + TURN_INTERVAL_US;
      }
    }
    if (isInTransaction) replay.discard();
    if (outcome === RECORD_END && !isInTransaction) return -1;
    if (outcome === RECORD_BAD) this.#judgeDamage(reader, name, path, fileBytes, laterBytes);
    else if (outcome === RECORD_SHORT) this.#judgeMissingEnd(reader, name, path, fileBytes);
    if (isInTransaction) {
      this.#options.log.warning(`Revert incomplete MULTI/EXEC transaction in AOF file ${name}`);
    }
    this.#judgeCut(name, laterBytes);
    return goodOffset;
  }

  /** Refuses damage unless it is a small tail that may be cut. */
  #judgeDamage(
    reader: AofRecordReader,
    name: string,
    path: string,
    fileBytes: number,
    laterBytes: number,
  ): void {
    const { config, log } = this.#options;
    const tailBytes = fileBytes - reader.errorOffset;
    log.warning(
      `The AOF file ${name} is damaged at offset ${reader.errorOffset}, in the record at offset ` +
        `${reader.offset}: ${reader.error}. ${tailBytes} bytes of the file follow.`,
    );
    const limitBytes = config.aofLoadCorruptTailMaxSize;
    const mayCut = config.aofLoadTruncated && laterBytes === 0 && limitBytes > 0 &&
      (tailBytes <= limitBytes || this.#damagedTailBytes(path, reader.errorOffset) <= limitBytes);
    if (!mayCut) this.#refuseFormat(name);
  }

  /** Refuses a record without an end if complete commands stand in what seems to be missing. */
  #judgeMissingEnd(reader: AofRecordReader, name: string, path: string, fileBytes: number): void {
    const { config, log } = this.#options;
    log.warning(`!!! Warning: short read while loading the AOF file ${name}!!!`);
    const tailBytes = fileBytes - reader.offset;
    if (tailBytes <= config.aofLoadCorruptTailMaxSize) return;
    const found = this.#findCommandInside(path, reader.offset);
    if (found === -1) return;
    log.warning(
      `The record at offset ${reader.offset} of the AOF file ${name} ends behind the end of the ` +
        `file, but complete commands follow at offset ${found}: its length must be damaged.`,
    );
    this.#refuseFormat(name);
  }

  #judgeCut(name: string, laterBytes: number): void {
    if (!this.#options.config.aofLoadTruncated) this.#refuseMissingEnd(name);
    // Redis: the file is cut before this is found out, and the next start loads it with the gap.
    if (laterBytes > 0) this.#refuse("Fatal error: the truncated file is not the last file");
  }

  /** Bytes from `offset` to the last that is not zero: power losses leave zeros, however many. */
  #damagedTailBytes(path: string, offset: number): number {
    const file = this.#options.files.openForRead(path);
    try {
      let end = offset;
      for (let at = offset; at < file.size(); at += SEARCH_BYTES_MAX) {
        const last = readRange(file, at, SEARCH_BYTES_MAX).findLastIndex((byte) => byte !== 0);
        if (last >= 0) end = at + last + 1;
      }
      return end - offset;
    } finally {
      file.close();
    }
  }

  /** Offset of two commands in a row behind `recordOffset`, or -1. */
  #findCommandInside(path: string, recordOffset: number): number {
    const file = this.#options.files.openForRead(path);
    let bytes: Uint8Array;
    try {
      bytes = readRange(file, recordOffset, SEARCH_BYTES_MAX);
    } finally {
      file.close();
    }
    // "\n*" begins a command, if it is one.
    for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) {
      if (bytes[at + 1] !== 0x2a) continue;
      const reader = new AofRecordReader(new MemorySource(bytes.subarray(at + 1)));
      if (reader.next() !== RECORD_COMMAND) continue;
      const next = reader.next();
      if (next === RECORD_COMMAND || next === RECORD_END) return recordOffset + at + 1;
    }
    return -1;
  }

  #cut(path: string, name: string, offset: number): void {
    const { log, files } = this.#options;
    log.warning(`!!! Truncating the AOF ${name} at offset ${offset} !!!`);
    try {
      const file = files.openForUpdate(path);
      try {
        file.truncate(offset);
        file.sync();
      } finally {
        file.close();
      }
    } catch (error) {
      log.warning(`Error truncating the AOF file ${name}: ${errorText(error)}`);
      this.#refuseMissingEnd(name);
    }
    log.warning(`AOF ${name} loaded anyway because aof-load-truncated is enabled`);
  }

  #refuseFormat(name: string): never {
    this.#refuse(
      `Bad file format reading the append only file ${name}: make a backup of your AOF file, ` +
        "then use ./redis-check-aof --fix <filename.manifest>",
    );
  }

  #refuseMissingEnd(name: string): never {
    this.#refuse(
      `Unexpected end of file reading the append only file ${name}. You can: 1) Make a backup of ` +
        "your AOF file, then use ./redis-check-aof --fix <filename.manifest>. 2) Alternatively " +
        "you can set the 'aof-load-truncated' configuration option to yes and restart the server.",
    );
  }

  #refuse(message: string): never {
    this.#options.log.warning(message);
    throw new AofLoadError(message);
  }
}

/** Up to `length` bytes from `offset` on. */
function readRange(file: FileHandle, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(Math.min(length, Math.max(0, file.size() - offset)));
  file.seek(offset);
  let end = 0;
  while (end < bytes.length) {
    const count = file.read(bytes, end, bytes.length - end);
    if (count === 0) break;
    end += count;
  }
  return bytes.subarray(0, end);
}

function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
