/**
 * AOF manifest: the list of files that together are the append-only file (Redis 7, multi-part AOF).
 *
 *   file appendonly.aof.2.base.rdb seq 2 type b        the state at the last rewrite; at most one
 *   file appendonly.aof.1.incr.aof seq 1 type h        history: no longer needed, to be removed
 *   file appendonly.aof.3.incr.aof seq 3 type i        what happened since, in ascending order
 *
 * Loading means base, then the increments in order; the last increment is the one written to. The
 * manifest is replaced atomically, so that at any moment one of two complete lists stands on disk,
 * and it names files only after they exist.
 *
 * Knows names and their order; what is in the files is the business of writer and loader.
 */
import { join } from "@std/path";
import { latin1Text, utf8Text } from "../base/bytes.ts";
import { splitArguments } from "../protocol/inline_arguments.ts";
import { type FileSystem, readWholeFile, replaceFile } from "./file_system.ts";

/** Base, history, increment: the letters of the file. */
export type AofFileType = "b" | "h" | "i";

export interface AofFile {
  /** Without path. */
  readonly name: string;
  readonly sequence: number;
  readonly type: AofFileType;
}

/** Redis reads lines into a buffer of this size and takes a longer one for damage. */
const LINE_BYTES_MAX = 1024;
const NEWLINE = 10;
const HASH = 35;
const encoder = new TextEncoder();

/** The manifest is not one; `message` says which line of which file, and why. */
export class AofManifestError extends Error {
  override readonly name = "AofManifestError";

  constructor(
    readonly path: string,
    /** Counted from 1; 0 if no line is at fault. */
    readonly line: number,
    /** The line as it stands in the file. */
    readonly text: string,
    /** In the words of Redis. */
    readonly reason: string,
  ) {
    const place = line === 0 ? "" : `, line ${line} ('${text}')`;
    super(`Cannot read the AOF manifest "${path}"${place}: ${reason}`);
  }
}

export class AofManifest {
  base: AofFile | null = null;
  history: AofFile[] = [];
  increments: AofFile[] = [];
  /** Highest sequence numbers in use. */
  baseSequence = 0;
  incrementSequence = 0;

  /** Base and increments, in the order of loading. */
  get filesToLoad(): AofFile[] {
    return this.base === null ? [...this.increments] : [this.base, ...this.increments];
  }

  /** The increment that is written to. */
  get lastIncrement(): AofFile | null {
    return this.increments.at(-1) ?? null;
  }

  clone(): AofManifest {
    const copy = new AofManifest();
    copy.base = this.base;
    copy.history = [...this.history];
    copy.increments = [...this.increments];
    copy.baseSequence = this.baseSequence;
    copy.incrementSequence = this.incrementSequence;
    return copy;
  }

  /** Puts a new base in place of the old one, which becomes history. Returns the new file. */
  addBase(fileName: string, isRdb: boolean): AofFile {
    if (this.base !== null) this.history.unshift({ ...this.base, type: "h" });
    const sequence = ++this.baseSequence;
    const name = `${fileName}.${sequence}.base.${isRdb ? "rdb" : "aof"}`;
    this.base = { name, sequence, type: "b" };
    return this.base;
  }

  /** Makes a file of an older server the base, under the name it has. */
  adoptBase(name: string): void {
    this.baseSequence = 1;
    this.base = { name, sequence: 1, type: "b" };
  }

  /** Appends a new increment and returns it. */
  addIncrement(fileName: string): AofFile {
    const sequence = ++this.incrementSequence;
    const file: AofFile = { name: `${fileName}.${sequence}.incr.aof`, sequence, type: "i" };
    this.increments.push(file);
    return file;
  }

  /** Makes history of all increments but the last `kept`. */
  retireIncrements(kept: number): void {
    while (this.increments.length > kept) {
      this.history.unshift({ ...this.increments.shift()!, type: "h" });
    }
  }

  /**
   * Begins numbering above files that stand in the directory without a manifest: they may be all
   * that somebody has left, so nothing may overwrite them or append to them.
   */
  reserveNumbersOf(fileName: string, namesInDirectory: readonly string[]): void {
    for (const name of namesInDirectory) {
      if (!name.startsWith(`${fileName}.`)) continue;
      const match = /^(\d+)\.(base\.(?:rdb|aof)|incr\.aof)$/.exec(name.slice(fileName.length + 1));
      if (match === null) continue;
      const sequence = Number(match[1]);
      if (match[2] === "incr.aof") {
        this.incrementSequence = Math.max(this.incrementSequence, sequence);
      } else {
        this.baseSequence = Math.max(this.baseSequence, sequence);
      }
    }
  }

  /** The text of the file: base, history, increments. */
  toText(): string {
    const files = [...(this.base === null ? [] : [this.base]), ...this.history, ...this.increments];
    return files.map(({ name, sequence, type }) =>
      `file ${quoteNameIfNeeded(name)} seq ${sequence} type ${type}\n`
    ).join("");
  }

  /**
   * Reads the text of a manifest. `path` is for the error.
   *
   * Throws AofManifestError where Redis refuses the file: nothing in it, a line that is too long or
   * not ended, a missing field, a path instead of a name, two bases, increments out of order.
   */
  static parse(bytes: Uint8Array, path: string): AofManifest {
    if (bytes.length === 0) {
      throw new AofManifestError(path, 0, "", "Found an empty AOF manifest");
    }
    const manifest = new AofManifest();
    let line = 0;
    for (let start = 0; start < bytes.length;) {
      line++;
      const newline = bytes.indexOf(NEWLINE, start);
      const end = newline === -1 ? bytes.length : newline;
      const isComment = bytes[start] === HASH;
      const text = utf8Text(bytes, start, end - start);
      const fail = (reason: string) => new AofManifestError(path, line, text.trim(), reason);
      if (!isComment) {
        if (newline === -1 || newline - start >= LINE_BYTES_MAX) {
          throw fail("The AOF manifest file contains too long line");
        }
        const reason = manifest.#addLine(splitArguments(bytes, start, end - start));
        if (reason !== null) throw fail(reason);
      }
      start = end + 1;
    }
    return manifest;
  }

  /** Takes in the words of a line; returns what is wrong with them, or null. */
  #addLine(words: Uint8Array[] | null): string | null {
    const invalid = "Invalid AOF manifest file format";
    // Redis: more than six words are accepted, for fields of later versions.
    if (words === null || words.length < 6 || words.length % 2 !== 0) return invalid;
    let name = "";
    let sequence = 0;
    let type = "";
    for (let index = 0; index < words.length; index += 2) {
      const value = words[index + 1];
      switch (latin1Text(words[index], 0, words[index].length).toLowerCase()) {
        case "file":
          name = utf8Text(value, 0, value.length);
          if (/[/\\]/.test(name)) return "File can't be a path, just a filename";
          break;
        case "seq":
          sequence = Number.parseInt(latin1Text(value, 0, value.length), 10) || 0;
          break;
        case "type":
          type = latin1Text(value, 0, Math.min(1, value.length));
      }
    }
    if (name === "" || sequence === 0 || type === "") return invalid;
    return this.#addFile(name, sequence, type);
  }

  #addFile(name: string, sequence: number, type: string): string | null {
    switch (type) {
      case "b":
        if (this.base !== null) return "Found duplicate base file information";
        this.base = { name, sequence, type };
        this.baseSequence = sequence;
        return null;
      case "h":
        this.history.push({ name, sequence, type });
        return null;
      case "i":
        if (sequence <= this.incrementSequence) return "Found a non-monotonic sequence number";
        this.increments.push({ name, sequence, type });
        this.incrementSequence = sequence;
        return null;
      default:
        return "Unknown AOF file type";
    }
  }
}

/** Path of the manifest of the AOF called `fileName` in `directory`. */
export function manifestPath(directory: string, fileName: string): string {
  return join(directory, `${fileName}.manifest`);
}

/** The manifest at `path`, or null if there is none. Throws as `parse` and the file calls do. */
export function readManifest(files: FileSystem, path: string): AofManifest | null {
  if (files.stat(path) === null) return null;
  return AofManifest.parse(readWholeFile(files, path), path);
}

/** Puts the manifest at `path`, atomically and lastingly. Throws the error of the file calls. */
export function writeManifest(files: FileSystem, path: string, manifest: AofManifest): void {
  replaceFile(files, path, encoder.encode(manifest.toText()));
}

/**
 * A name with white space, quotes or bytes beyond printable ASCII, as Redis writes it. (Redis: a
 * name with an apostrophe is not quoted, and its own manifest is refused at the next start.)
 */
function quoteNameIfNeeded(name: string): string {
  if (/^[\x21-\x7e]+$/.test(name) && !/["'\\]/.test(name)) return name;
  const named = new Map([[7, "\\a"], [8, "\\b"], [9, "\\t"], [10, "\\n"], [13, "\\r"]]);
  let quoted = '"';
  for (const byte of encoder.encode(name)) {
    const character = String.fromCharCode(byte);
    if (named.has(byte)) quoted += named.get(byte);
    else if (character === '"' || character === "\\") quoted += `\\${character}`;
    else if (byte >= 0x20 && byte < 0x7f) quoted += character;
    else quoted += `\\x${byte.toString(16).padStart(2, "0")}`;
  }
  return `${quoted}"`;
}
