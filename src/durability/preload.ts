/**
 * Preload: loads the file that `preload-file` names, in the place of what the server has saved
 * itself: a copy of an RDB, of an AOF, or a sealed backup, whose manifest is given. Nothing of it
 * is changed, not even what a crash has left at its end.
 */
import { basename, dirname, isAbsolute, join } from "@std/path";
import type { ConfigValues } from "../config/config_values.ts";
import { parsePreloadTarget } from "../config/preload_target.ts";
import { AofLoadError } from "../persistence/aof_loader.ts";
import { type AofFile, readManifest } from "../persistence/aof_manifest.ts";
import { errorText } from "../persistence/file_system.ts";
import { type AofOpeningOptions, loadFileList, orRefuse } from "./aof_opening.ts";

const MANIFEST_SUFFIX = ".manifest";

export interface PreloadOptions extends AofOpeningOptions {
  /** Loads an RDB file; rejects if that is impossible. */
  loadRdbFile(path: string): Promise<unknown>;
}

/** What the configuration asks to be loaded, as a step of the start; null if nothing. */
export function preloadStep(options: PreloadOptions): (() => Promise<void>) | null {
  return options.config.preloadFile === "" ? null : () => preload(options);
}

/** Rejects with an Error that says why, which is in the log by then. */
async function preload(options: PreloadOptions): Promise<void> {
  const { config, log } = options;
  const target = parsePreloadTarget(config.preloadFile)!;
  const path = isAbsolute(target.path) ? target.path : join(directoryOf(config), target.path);
  try {
    if (target.kind === "rdb") await options.loadRdbFile(path);
    else await loadAof(options, path);
  } catch (error) {
    log.warning(`preload-file ${path} cannot be loaded, nor anything else: ${errorText(error)}`);
    throw error;
  }
  log.warning(
    `The data are those of preload-file ${path}. While it is configured, each start loads it ` +
      "and not what was written since: take it out before the next one.",
  );
}

function directoryOf({ dir }: ConfigValues): string {
  return dir === "" ? "." : dir;
}

async function loadAof(options: PreloadOptions, path: string): Promise<void> {
  const files = path.endsWith(MANIFEST_SUFFIX) ? filesOfManifest(options, path) : [single(path)];
  await loadFileList(options, { directory: dirname(path), files, leavesFiles: true });
}

function single(path: string): AofFile {
  return { name: basename(path), sequence: 1, type: "b" };
}

function filesOfManifest({ files, log }: PreloadOptions, path: string): readonly AofFile[] {
  let list: readonly AofFile[] | undefined;
  orRefuse(log, `The manifest ${path} cannot be read`, () => {
    list = readManifest(files, path)?.filesToLoad;
  });
  if (list === undefined || list.length === 0) {
    throw new AofLoadError(
      `the manifest ${path} ${list === undefined ? "is missing" : "is empty"}`,
    );
  }
  return list;
}
