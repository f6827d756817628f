/**
 * Standard input of the client: chunk by chunk, line by line, or whole. What has been read and not
 * been asked for (keys typed ahead, lines behind the first) waits for the next call.
 */

const READ_BYTES = 64 * 1024;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

/** Deno.stdin, as far as it is used. */
export interface InputSource {
  read(target: Uint8Array): Promise<number | null>;
  isTerminal(): boolean;
  setRaw(isRaw: boolean): void;
}

export class CliInput {
  readonly isTerminal: boolean;
  readonly #source: InputSource;
  #waiting = new Uint8Array(0);

  constructor(source: InputSource = Deno.stdin) {
    this.#source = source;
    this.isTerminal = source.isTerminal();
  }

  /** Some bytes, or null at the end. */
  async read(): Promise<Uint8Array<ArrayBuffer> | null> {
    if (this.#waiting.length > 0) {
      const bytes = this.#waiting;
      this.#waiting = new Uint8Array(0);
      return bytes;
    }
    const bytes = new Uint8Array(READ_BYTES);
    const count = await this.#source.read(bytes);
    return count === null ? null : bytes.subarray(0, count);
  }

  /** Gives back bytes: they are what the next call reads first. */
  unread(bytes: Uint8Array): void {
    this.#waiting = joined([bytes, this.#waiting]);
  }

  /** Everything up to the end. */
  async readAll(): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    for (let part = await this.read(); part !== null; part = await this.read()) parts.push(part);
    return joined(parts);
  }

  /** The bytes of the next line without its end; the last may lack one. Null at the end. */
  async readLine(): Promise<Uint8Array | null> {
    const parts: Uint8Array[] = [];
    for (let part = await this.read(); part !== null; part = await this.read()) {
      const end = part.indexOf(LINE_FEED);
      if (end < 0) {
        parts.push(part);
        continue;
      }
      parts.push(part.subarray(0, end));
      this.unread(part.subarray(end + 1));
      return withoutReturn(joined(parts));
    }
    return parts.length === 0 ? null : withoutReturn(joined(parts));
  }

  /** Reads keys one by one, unechoed, while the terminal is in raw mode. */
  setRaw(isRaw: boolean): void {
    this.#source.setRaw(isRaw);
  }
}

/** The end of a line as Windows writes it. */
function withoutReturn(line: Uint8Array): Uint8Array {
  return line.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line;
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
