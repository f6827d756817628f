/**
 * AOF damage: is there a whole command behind a place that cannot be read?
 *
 * The format has neither checksums nor marks to start again from. But a command spells out its own
 * extent – count, lengths, line ends – so that one which fits to its last byte is hardly chance.
 * Whoever would cut a file at a damaged place asks here first: a whole command behind it is data
 * that somebody was promised.
 *
 * The search is more lenient than the reader: all lines of a command may end in LF alone, since a
 * file whose line ends were converted is damaged everywhere and has all its data. (But not some of
 * them: garbage has a line feed in every 256th byte.) It starts at every asterisk, not
 * only at one behind a line end, for that line end may be what is damaged.
 */
import type { ByteSource } from "./aof_record_reader.ts";

const WINDOW_BYTES = 256 * 1024;
/** Digits of the largest count and the largest length that a command can have. */
const DIGITS_MAX = 10;

const ASTERISK = 0x2a;
const DOLLAR = 0x24;
const ZERO = 0x30;
const NINE = 0x39;
const CR = 13;
const LF = 10;
const NOTHING = -1;

/**
 * Offset of the first whole command that begins at `offset` or later and ends behind `endsBehind`;
 * -1 if there is none. (With `endsBehind`, a record can be looked into that may have swallowed the
 * beginning of the next, while commands that are wholly a value of it do not count.) Throws errors
 * of the disk.
 */
export function findWholeCommand(source: ByteSource, offset: number, endsBehind: number): number {
  const window = new Window(source);
  for (let at = window.indexOf(ASTERISK, offset); at !== NOTHING;) {
    if (commandEnd(window, at) > endsBehind) return at;
    at = window.indexOf(ASTERISK, at + 1);
  }
  return NOTHING;
}

/** Offset behind the whole command at `offset`; -1 if none stands there. */
function commandEnd(window: Window, offset: number): number {
  window.lineEndBytes = 0;
  const count = window.readHeader(ASTERISK, offset);
  if (count < 1) return NOTHING;
  let at = window.headerEnd;
  for (let index = 0; index < count; index++) {
    const length = window.readHeader(DOLLAR, at);
    if (length === NOTHING) return NOTHING;
    at = window.lineEnd(window.headerEnd + length);
    if (at === NOTHING) return NOTHING;
  }
  return at;
}

/** A part of the file in memory, moved to where it is needed. */
class Window {
  /** Offset behind the header that was read last. */
  headerEnd = 0;
  /** Bytes of each line end of a command; 0 before the first. */
  lineEndBytes = 0;
  readonly #source: ByteSource;
  readonly #bytes = new Uint8Array(WINDOW_BYTES);
  #start = 0;
  #end = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** Offset of this byte at `offset` or later; -1 if there is none. */
  indexOf(byte: number, offset: number): number {
    for (let at = offset; this.#byteAt(at) !== NOTHING; at = this.#end) {
      const found = this.#bytes.subarray(0, this.#end - this.#start).indexOf(
        byte,
        at - this.#start,
      );
      if (found !== -1) return this.#start + found;
    }
    return NOTHING;
  }

  /** The number of "<mark><number><line end>" at `offset`; -1 if that does not stand there. */
  readHeader(mark: number, offset: number): number {
    if (this.#byteAt(offset) !== mark) return NOTHING;
    let number = 0;
    for (let at = offset + 1; at <= offset + 1 + DIGITS_MAX; at++) {
      const byte = this.#byteAt(at);
      if (byte >= ZERO && byte <= NINE) {
        number = number * 10 + byte - ZERO;
        continue;
      }
      this.headerEnd = at === offset + 1 ? NOTHING : this.lineEnd(at);
      return this.headerEnd === NOTHING ? NOTHING : number;
    }
    return NOTHING;
  }

  /** Offset behind the line end at `offset`; -1 if none stands there, or one of the other kind. */
  lineEnd(offset: number): number {
    const byteCount = this.#byteAt(offset) === CR ? 2 : 1;
    if (this.lineEndBytes === 0) this.lineEndBytes = byteCount;
    const isLineEnd = byteCount === this.lineEndBytes &&
      this.#byteAt(offset + byteCount - 1) === LF;
    return isLineEnd ? offset + byteCount : NOTHING;
  }

  /** The byte at an offset, or -1 behind the end. */
  #byteAt(offset: number): number {
    if (offset < this.#start || offset >= this.#end) {
      this.#source.seek(offset);
      this.#start = offset;
      this.#end = offset + this.#source.read(this.#bytes, 0, WINDOW_BYTES);
      if (this.#end === offset) return NOTHING;
    }
    return this.#bytes[offset - this.#start];
  }
}
