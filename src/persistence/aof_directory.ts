/**
 * AOF directory: the files of the append-only file and the manifest that names them, kept in step.
 *
 * Every step is made in the order that leaves a loadable whole behind, wherever a crash cuts it
 * off:
 *
 *   a file is created or renamed → the directory is synced → the manifest names it → the directory
 *   is synced → what it replaces is removed
 *
 * When writing the manifest fails, nobody knows whether the old or the new one stands on disk. Both
 * are right as long as no file is removed and the increment written to is their last; so the one
 * that is found there is adopted, and all files stay. (Redis: the new base is removed although the
 * manifest may already name it.)
 *
 * Knows nothing of what is in the files. Methods throw the errors of the file calls.
 */
import { basename, join } from "@std/path";
import * as clock from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import {
  type AofFile,
  AofManifest,
  manifestPath,
  readManifest,
  writeManifest,
} from "./aof_manifest.ts";
import {
  errorText,
  type FileHandle,
  type FileSystem,
  isMissing,
  removeIfExists,
} from "./file_system.ts";

export interface AofDirectoryOptions {
  readonly files: FileSystem;
  readonly log: Log;
  /** Where the directory is, and an AOF of Redis before 7 may be. */
  readonly parent: string;
  /** `appenddirname`. */
  readonly name: string;
  /** `appendfilename`. */
  readonly fileName: string;
  /** Hears how long the disk has held everybody up: "aof-rename", "aof-fstat". */
  onLatency?(event: string, durationUs: number): void;
}

export class AofDirectory {
  /** Path of the directory. */
  readonly path: string;
  readonly #options: AofDirectoryOptions;
  #manifest: AofManifest | null = null;
  #isRemoving = false;

  constructor(options: AofDirectoryOptions) {
    this.#options = options;
    this.path = join(options.parent, options.name);
  }

  /** The manifest as it stands on disk; `readManifest` comes first. */
  get manifest(): AofManifest {
    return this.#manifest!;
  }

  /** Reads the manifest; without one, begins an empty list. Throws AofManifestError too. */
  readManifest(): void {
    const { files, fileName } = this.#options;
    const found = readManifest(files, this.#manifestPath);
    const manifest = found ?? new AofManifest();
    if (found === null && files.stat(this.path) !== null) {
      manifest.reserveNumbersOf(fileName, files.list(this.path));
    }
    this.#manifest = manifest;
  }

  /**
   * Begins an empty list, whatever stands there: files of an earlier log are neither removed nor
   * written to. Returns how many there are.
   */
  beginAnew(): number {
    const { files, fileName } = this.#options;
    const names = files.stat(this.path) === null ? [] : files.list(this.path);
    this.#manifest = new AofManifest();
    this.#manifest.reserveNumbersOf(fileName, names);
    return names.filter((name) => name.startsWith(`${fileName}.`)).length;
  }

  /**
   * Takes in a single AOF file of Redis before 7: it becomes the base, under its name. A crash in
   * the middle leaves a manifest that names a file which still stands outside; then this goes on.
   */
  upgradeIfNeeded(): void {
    const { files, log, parent, name, fileName } = this.#options;
    const oldPath = join(parent, fileName);
    const newPath = join(this.path, fileName);
    const { base, increments } = this.manifest;
    if (files.stat(oldPath)?.isFile !== true || increments.length > 0) return;
    const isHalfDone = base !== null && base.name === fileName && files.stat(newPath) === null;
    if (base !== null && !isHalfDone) return;
    this.make();
    const manifest = this.manifest.clone();
    manifest.adoptBase(fileName);
    this.#write(manifest);
    files.rename(oldPath, newPath);
    files.syncDirectory(this.path);
    files.syncDirectory(parent);
    log.notice(
      `The AOF of an earlier version, ${fileName}, is now the base of the AOF in ${name}`,
    );
  }

  /** Makes the directory if it is missing. */
  make(): void {
    const { files, parent } = this.#options;
    if (files.stat(this.path)?.isDirectory === true) return;
    files.makeDirectory(this.path);
    files.syncDirectory(parent);
  }

  /** Path of a file of the AOF. */
  pathOf(file: AofFile): string {
    return join(this.path, file.name);
  }

  /** Where a child writes the next base; the number tells servers on one directory apart. */
  temporaryBasePath(): string {
    return join(this.path, `temp-rewriteaof-bg-${Deno.pid}.aof`);
  }

  /** Bytes of a file; 0 if it cannot be told. */
  sizeOf(file: AofFile): number {
    const beginUs = clock.monotonicUs();
    try {
      return this.#options.files.stat(this.pathOf(file))?.bytes ?? 0;
    } catch {
      return 0;
    } finally {
      this.#options.onLatency?.("aof-fstat", clock.monotonicUs() - beginUs);
    }
  }

  /** Bytes of base and increments together. */
  totalBytes(): number {
    return this.manifest.filesToLoad.reduce((sum, file) => sum + this.sizeOf(file), 0);
  }

  /**
   * Opens the last increment for writing, and creates one if there is none. `createBase` is called
   * with the path of a temporary file if there is no file at all; it writes the present data there.
   */
  openForStart(isBaseRdb: boolean, createBase: (path: string) => void): FileHandle {
    const { files, log, fileName } = this.#options;
    this.make();
    this.#removeTemporaries();
    const manifest = this.manifest.clone();
    let isChanged = false;
    if (manifest.base === null && manifest.increments.length === 0) {
      const temporary = this.temporaryBasePath();
      createBase(temporary);
      const base = manifest.addBase(fileName, isBaseRdb);
      files.rename(temporary, this.pathOf(base));
      log.notice(`${base.name} is the new base of the AOF`);
      isChanged = true;
    }
    const isOld = manifest.lastIncrement !== null;
    const increment = manifest.lastIncrement ?? manifest.addIncrement(fileName);
    const file = files.openForAppend(this.pathOf(increment));
    try {
      if (isChanged || !isOld) {
        files.syncDirectory(this.path);
        this.#write(manifest);
      }
    } catch (error) {
      file.close();
      throw error;
    }
    log.notice(`Writes are recorded in ${increment.name}${isOld ? ", behind what is there" : ""}`);
    return file;
  }

  /** Creates the next increment, names it in the manifest, and opens it. */
  createIncrement(): FileHandle {
    const { files, log, fileName } = this.#options;
    const manifest = this.manifest.clone();
    const increment = manifest.addIncrement(fileName);
    const file = files.openForWrite(this.pathOf(increment));
    try {
      files.syncDirectory(this.path);
      this.#write(manifest);
    } catch (error) {
      file.close();
      throw error;
    }
    log.notice(`Writes are recorded in ${increment.name} from here on`);
    return file;
  }

  /** Creates the increment of an AOF that is being switched on: no manifest names it yet. */
  createTemporaryIncrement(): FileHandle {
    const path = this.#temporaryIncrementPath;
    const file = this.#options.files.openForWrite(path);
    this.#options.log.notice(`Writes are recorded in ${basename(path)} while the base is written`);
    return file;
  }

  removeTemporaryIncrement(): void {
    const path = this.#temporaryIncrementPath;
    this.#options.log.notice(`${basename(path)} is of no use any more and is removed`);
    removeIfExists(this.#options.files, path);
  }

  /**
   * Puts the base that a rewrite has made in its place, with the increment that was begun when the
   * rewrite was: `increment` says whether that is the last one of the manifest, the temporary one,
   * or that there is none because the AOF is off. All other files become history.
   */
  installBase(isRdb: boolean, increment: "last" | "temporary" | "none"): void {
    const { files, log, fileName } = this.#options;
    const manifest = this.manifest.clone();
    const temporary = this.temporaryBasePath();
    const base = manifest.addBase(fileName, isRdb);
    this.#rename("base", temporary, base);
    if (increment === "temporary") {
      const file = manifest.addIncrement(fileName);
      this.#rename("incr", this.#temporaryIncrementPath, file);
    }
    manifest.retireIncrements(increment === "none" ? 0 : 1);
    files.syncDirectory(this.path);
    try {
      this.#write(manifest);
    } catch (error) {
      log.warning(`Error writing the AOF manifest in ${this.path}: ${errorText(error)}`);
      throw error;
    }
  }

  /**
   * Removes files that are history, one after the other beside the event loop, and then their
   * lines. Failures are logged and do no harm; never rejects. What becomes history meanwhile is
   * removed too. First of all waits for the end of `reading`, which reads the files.
   */
  async removeHistory(reading: Promise<void> | null = null): Promise<void> {
    if (this.#isRemoving) return;
    this.#isRemoving = true;
    try {
      // If that fails, its caller hears of it.
      if (reading !== null) await reading.catch(() => {});
      while (this.manifest.history.length > 0) await this.#removeFiles(this.manifest.history);
    } catch (error) {
      const { log } = this.#options;
      log.warning(`Cannot remove AOF history files in ${this.path}: ${errorText(error)}`);
    } finally {
      this.#isRemoving = false;
    }
  }

  /**
   * Whether files that are history are being removed: who copies the directory had better wait, as
   * for the end of a rewrite.
   */
  get isRemovingHistory(): boolean {
    return this.#isRemoving;
  }

  async #removeFiles(history: readonly AofFile[]): Promise<void> {
    const { files, log } = this.#options;
    for (const file of history) {
      log.notice(`${file.name} is no part of the AOF any more and is removed`);
      try {
        await files.removeAside(this.pathOf(file));
      } catch (error) {
        if (!isMissing(error)) throw error;
      }
    }
    const manifest = this.manifest.clone();
    manifest.history = manifest.history.filter(({ name }) =>
      history.every((removed) => removed.name !== name)
    );
    this.#write(manifest);
  }

  get #manifestPath(): string {
    return manifestPath(this.path, this.#options.fileName);
  }

  get #temporaryIncrementPath(): string {
    return join(this.path, `temp-${this.#options.fileName}.incr`);
  }

  #rename(kind: "base" | "incr", temporary: string, file: AofFile): void {
    const { files, log } = this.#options;
    const from = basename(temporary);
    const beginUs = clock.monotonicUs();
    try {
      files.rename(temporary, this.pathOf(file));
      this.#options.onLatency?.("aof-rename", clock.monotonicUs() - beginUs);
    } catch (error) {
      log.warning(
        `The AOF ${kind} file ${from} cannot take its name ${file.name}: ${errorText(error)}`,
      );
      throw error;
    }
    log.notice(`The AOF ${kind} file ${from} is whole and is now ${file.name}`);
  }

  #write(manifest: AofManifest): void {
    try {
      writeManifest(this.#options.files, this.#manifestPath, manifest);
      this.#manifest = manifest;
    } catch (error) {
      this.#adoptWhatIsOnDisk();
      throw error;
    }
  }

  #adoptWhatIsOnDisk(): void {
    try {
      const found = readManifest(this.#options.files, this.#manifestPath);
      if (found !== null) this.#manifest = found;
    } catch {
      // The manifest in memory is as good: no file that either of them names has been removed.
    }
  }

  /** Removes what a server that was killed in a rewrite has left. */
  #removeTemporaries(): void {
    const { files, fileName } = this.#options;
    for (const name of files.list(this.path)) {
      const isOurs = /^temp-rewriteaof-(?:bg-)?\d+\.aof$/.test(name) ||
        name === `temp-${fileName}.incr`;
      if (isOurs) removeIfExists(files, join(this.path, name));
    }
  }
}
