/**
 * AOF move: takes the append-only file to another directory, after `CONFIG SET dir`.
 *
 *   from the freeze of the rewrite on      commands are recorded in both places
 *   the base stands in the new place       only there
 *
 * So whenever the process is killed, the old place or the new one has everything: the old one until
 * the manifest of the new one is written, the new one from then on. (Redis: from the begin of the
 * rewrite to its end neither has.) The old files stay where they are.
 *
 * Until it is the only one, the second log is written as with `everysec`: nobody relies on it yet,
 * so a disk that fails there ends the move and not the process.
 */
import type { AofDirectory } from "../persistence/aof_directory.ts";
import { AofWriter, type AofWriterOptions } from "../persistence/aof_writer.ts";
import type { EffectSink } from "../persistence/effect_encoder.ts";

export class AofMove implements EffectSink {
  /** Writes in the new place. */
  readonly writer: AofWriter;
  readonly directory: AofDirectory;
  readonly #old: AofWriter;
  #isDone = false;

  /** Begins to record in `directory` as well. Throws the error of the disk. */
  constructor(old: AofWriter, directory: AofDirectory, options: AofWriterOptions) {
    this.#old = old;
    this.directory = directory;
    const { config } = options;
    const policy = () =>
      !this.#isDone && config.appendfsync === "always" ? "everysec" : config.appendfsync;
    const rounds = () => this.#isDone ? options.rounds : undefined;
    this.writer = new AofWriter({
      ...options,
      get rounds() {
        return rounds();
      },
      config: {
        get appendfsync() {
          return policy();
        },
        get noAppendfsyncOnRewrite() {
          return config.noAppendfsyncOnRewrite;
        },
        get aofTimestampEnabled() {
          return config.aofTimestampEnabled;
        },
      },
    });
    this.writer.open(directory.createTemporaryIncrement(), 0);
  }

  takeUnit(bytes: Uint8Array<ArrayBuffer>, length: number): void {
    this.#old.takeUnit(bytes, length);
    this.writer.takeUnit(bytes, length);
  }

  /** Brings all that was recorded to the disk. Returns the error, or null. */
  syncNow(): string | null {
    return this.writer.syncNow();
  }

  /** The new place has its base and manifest: from now on it is the only one. */
  finish(): void {
    this.#isDone = true;
    this.writer.takeCounters(this.#old);
    this.#old.close();
  }

  /** Gives up: what was recorded in the new place is of no use. */
  abandon(): void {
    this.writer.abandon();
    this.directory.removeTemporaryIncrement();
  }
}
