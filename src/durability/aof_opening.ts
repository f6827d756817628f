/**
 * AOF opening: finds the directory of the append-only file by the configuration, and loads what is
 * there. Whatever makes that impossible is said in the log once, and thrown as AofLoadError.
 */
import { join } from "@std/path";
import * as clock from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Timers } from "../base/timers.ts";
import { AofDirectory } from "../persistence/aof_directory.ts";
import { AofLoader, AofLoadError, type AofReplay } from "../persistence/aof_loader.ts";
import { type AofFile, AofManifestError } from "../persistence/aof_manifest.ts";
import { errorText, type FileSystem } from "../persistence/file_system.ts";
import type { ConfigValues } from "../config/config_values.ts";

export interface AofOpeningOptions {
  readonly config: ConfigValues;
  readonly files: FileSystem;
  readonly log: Log;
  readonly replay: AofReplay;
  readonly timers: Timers;
  /** Loads the RDB at the beginning of the file; resolves with the offset behind it. */
  loadRdb(path: string): Promise<number>;
  /** Loading begins and ends; between, `onLoadProgress`. */
  loadingStarted(totalBytes: number): void;
  onLoadProgress(loadedBytes: number): void;
  loadingEnded(): void;
  /** Hears how long the disk has held everybody up (latency monitor). */
  onLatency?(event: string, durationUs: number): void;
}

/** Path of the directory that the configuration names. */
export function aofPath(config: ConfigValues): string {
  return join(parentOf(config), config.appenddirname);
}

function parentOf({ dir }: ConfigValues): string {
  return dir === "" ? "." : dir;
}

/**
 * The directory that the configuration names, with the list of its files; `isAnew`: with an empty
 * one, whatever stands there. Throws AofLoadError.
 */
export function openAofDirectory(options: AofOpeningOptions, isAnew = false): AofDirectory {
  const { config, files, log } = options;
  const directory = new AofDirectory({
    files,
    log,
    parent: parentOf(config),
    name: config.appenddirname,
    fileName: config.appendfilename,
    onLatency: (event, durationUs) => options.onLatency?.(event, durationUs),
  });
  try {
    if (!isAnew) {
      directory.readManifest();
      return directory;
    }
    const leftCount = directory.beginAnew();
    if (leftCount > 0) {
      log.warning(`${leftCount} files of an earlier AOF in ${directory.path} are left as they are`);
    }
    return directory;
  } catch (error) {
    if (!(error instanceof AofManifestError)) {
      refuse(log, `The manifest of the AOF cannot be read: ${errorText(error)}`);
    }
    log.warning("*** FATAL AOF MANIFEST FILE ERROR ***");
    if (error.line > 0) {
      log.warning(`Line ${error.line} of the manifest ${error.path} is wrong`);
      log.warning(`>>> '${error.text}'`);
    }
    refuse(log, error.reason);
  }
}

/** Files of an AOF that are loaded one after the other. */
export interface AofFileList {
  readonly directory: string;
  readonly files: readonly AofFile[];
  /** Nothing is cut off their ends, whatever stands there: they are not the server's own. */
  readonly leavesFiles?: boolean;
}

/** Repeats what the files of the directory record. Rejects with AofLoadError. */
export function loadAofFiles(options: AofOpeningOptions, directory: AofDirectory): Promise<void> {
  return loadFileList(options, {
    directory: directory.path,
    files: directory.manifest.filesToLoad,
  });
}

/** Repeats what the files record. Rejects with AofLoadError. */
export async function loadFileList(
  options: AofOpeningOptions,
  { directory, files: list, leavesFiles = false }: AofFileList,
): Promise<void> {
  const { config, files, log, replay, timers } = options;
  const totalBytes = list.reduce(
    (sum, { name }) => sum + (files.stat(join(directory, name))?.bytes ?? 0),
    0,
  );
  const startUs = clock.monotonicUs();
  const loader = new AofLoader({
    files,
    log,
    replay,
    timers,
    config,
    leavesFiles,
    loadRdb: (path) => options.loadRdb(path),
    onProgress: (loadedBytes) => options.onLoadProgress(loadedBytes),
  });
  options.loadingStarted(totalBytes);
  try {
    await loader.load(directory, list, config.appendfilename);
  } finally {
    options.loadingEnded();
  }
  const seconds = ((clock.monotonicUs() - startUs) / 1e6).toFixed(3);
  log.notice(`DB loaded from append only file: ${seconds} seconds`);
}

/** Carries out a step without which the server cannot start. Throws AofLoadError. */
export function orRefuse(log: Log, what: string, action: () => void): void {
  try {
    action();
  } catch (error) {
    refuse(log, `${what}: ${errorText(error)}`);
  }
}

function refuse(log: Log, message: string): never {
  log.warning(message);
  throw new AofLoadError(message);
}
