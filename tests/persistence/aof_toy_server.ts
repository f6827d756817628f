/**
 * A server small enough to see through, around the real AofControl: a map, a few commands, a child
 * that the test lets finish. Its "RDB" is the word REDIS, a length, and the map as JSON.
 */
import { latin1Text } from "../../src/base/bytes.ts";
import { Log } from "../../src/base/log.ts";
import { Timers } from "../../src/base/timers.ts";
import { Argv } from "../../src/protocol/argv.ts";
import { EffectEncoder, type EffectSink } from "../../src/persistence/effect_encoder.ts";
import { readWholeFile } from "../../src/persistence/file_system.ts";
import { ConfigValues } from "../../src/config/config_values.ts";
import { AofControl, type RewriteOutcome } from "../../src/durability/aof_control.ts";
import { MemoryFiles } from "./aof_memory_files.ts";

export const DIRECTORY = "/data/appendonlydir";
export const MANIFEST = `${DIRECTORY}/appendonly.aof.manifest`;
const RDB_HEADER_BYTES = 13;

export class Exit extends Error {}

/** A log that keeps its lines. */
export class KeptLog extends Log {
  readonly lines: string[] = [];

  override notice(message: string): void {
    this.lines.push(message);
  }

  override warning(message: string): void {
    this.lines.push(message);
  }
}

export class ToyServer {
  readonly config = new ConfigValues();
  readonly log = new KeptLog();
  readonly control: AofControl;
  /** "db:key" → value. */
  data = new Map<string, string>();
  effectSink: EffectSink | null = null;
  readonly #encoder = new EffectEncoder();
  /** A child of another kind is at work. */
  isSaving = false;
  isInTransaction = false;
  #selectedDb = 0;
  #queue: string[][] | null = null;
  #child:
    | { path: string; isRdb: boolean; image: string; done: (o: RewriteOutcome) => void }
    | null = null;

  constructor(readonly files: MemoryFiles) {
    this.config.dir = "/data";
    this.config.appendonly = true;
    this.config.appendfsync = "always";
    this.control = new AofControl({
      config: this.config,
      files,
      log: this.log,
      child: this.#rewriteChild(),
      timers: new Timers(),
      replay: {
        execute: (argv) => this.#execute(wordsOf(argv)) ? "done" : "unknown command",
        discard: () => {
          this.#queue = null;
        },
      },
      writeBase: (path, isRdb) => this.#writeImage(path, isRdb, this.state()),
      loadRdb: (path) => Promise.resolve(this.#loadRdb(path)),
      loadDump: () => {
        if (files.stat("/data/dump.rdb") === null) return Promise.resolve(false);
        this.#loadRdb("/data/dump.rdb");
        return Promise.resolve(true);
      },
      loadingStarted: () => {},
      onLoadProgress: () => {},
      loadingEnded: () => {},
      setEffectSink: (sink) => {
        this.effectSink = sink;
      },
      selectAgain: () => this.#encoder.selectAgain(),
      isInTransaction: () => this.isInTransaction,
      exit: (code) => {
        throw new Exit(String(code));
      },
    });
  }

  /** Starts a server on these files. */
  static async start(files: MemoryFiles, adjust?: (toy: ToyServer) => void): Promise<ToyServer> {
    const toy = new ToyServer(files);
    adjust?.(toy);
    await toy.control.loadAtStart();
    return toy;
  }

  /** Runs commands as one unit, and ends the turn. */
  run(...commands: [word: string, ...words: string[]][]): void {
    for (const words of commands) {
      if (!this.#execute(words)) throw new Error(`no such command: ${words[0]}`);
      if (words[0] !== "SELECT") this.#encoder.append(this.#selectedDb, Argv.of(...words));
    }
    this.#encoder.endUnit(this.effectSink === null ? [] : [this.effectSink]);
    this.control.flush();
  }

  /** All data as text, for comparisons. */
  state(): string {
    return JSON.stringify([...this.data].sort());
  }

  get hasChild(): boolean {
    return this.#child !== null;
  }

  /** Lets the child write its file and end. */
  finishChild(): void {
    const child = this.#child!;
    this.#child = null;
    try {
      this.#writeImage(child.path, child.isRdb, child.image);
    } catch (error) {
      child.done({ kind: "failed", reason: (error as Error).message });
      return;
    }
    child.done({ kind: "written", copiedBytes: 4096 });
  }

  failChild(): void {
    const child = this.#child!;
    this.#child = null;
    child.done({ kind: "failed", reason: "the child has crashed" });
  }

  #rewriteChild() {
    const isActive = () => this.isSaving || this.#child !== null;
    return {
      get isActive(): boolean {
        return isActive();
      },
      startRewrite: (path: string, isRdb: boolean, done: (outcome: RewriteOutcome) => void) => {
        this.#child = { path, isRdb, image: this.state(), done };
      },
      abortRewrite: () => {
        const child = this.#child!;
        this.#child = null;
        child.done({ kind: "aborted" });
      },
    };
  }

  #execute(words: string[]): boolean {
    const name = words[0].toUpperCase();
    if (name === "MULTI") this.#queue = [];
    else if (name === "EXEC") {
      const queue = this.#queue!;
      this.#queue = null;
      for (const queued of queue) this.#execute(queued);
    } else if (this.#queue !== null) this.#queue.push(words);
    else if (name === "SELECT") this.#selectedDb = Number(words[1]);
    else return this.#change(name, `${this.#selectedDb}:${words[1]}`, words[2]);
    return true;
  }

  #change(name: string, key: string, value: string): boolean {
    if (name === "SET") this.data.set(key, value);
    else if (name === "APPEND") this.data.set(key, (this.data.get(key) ?? "") + value);
    else if (name === "DEL") this.data.delete(key);
    else return false;
    return true;
  }

  #writeImage(path: string, isRdb: boolean, image: string): void {
    const entries = JSON.parse(image) as [string, string][];
    const text = isRdb
      ? `REDIS${String(image.length).padStart(RDB_HEADER_BYTES - 5, "0")}${image}`
      : entries.map(([key, value]) => {
        const [db, name] = key.split(":");
        return resp("SELECT", db) + resp("SET", name, value);
      }).join("");
    const file = this.files.openForWrite(path);
    file.write(new TextEncoder().encode(text), 0, text.length);
    file.sync();
    file.close();
  }

  #loadRdb(path: string): number {
    const bytes = readWholeFile(this.files, path);
    const length = Number(latin1Text(bytes, 5, RDB_HEADER_BYTES - 5));
    if (bytes.length < RDB_HEADER_BYTES + length) throw new Error("Short read");
    this.data = new Map(JSON.parse(latin1Text(bytes, RDB_HEADER_BYTES, length)));
    return RDB_HEADER_BYTES + length;
  }
}

/** The toy's RDB with these data. */
export function toyRdb(data: Record<string, string>): string {
  const image = JSON.stringify(Object.entries(data).sort());
  return `REDIS${String(image.length).padStart(RDB_HEADER_BYTES - 5, "0")}${image}`;
}

export function resp(...words: string[]): string {
  return `*${words.length}\r\n` + words.map((word) => `$${word.length}\r\n${word}\r\n`).join("");
}

function wordsOf(argv: Argv): string[] {
  return Array.from({ length: argv.count }, (_, index) => argv.text(index));
}
