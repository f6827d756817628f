/**
 * Bytes and text for tests and bench scripts, and the one way they print.
 *
 * Redis data are bytes. Tests that do not care use UTF-8 text; those that do use Latin-1 "binary
 * strings", in which every character is one byte, so nothing is lost on the way there and back.
 */

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The UTF-8 bytes of a text. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

/** The text of UTF-8 bytes; ill-formed sequences become U+FFFD. */
export function fromUtf8(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** The bytes of a binary string, one per character. Characters above 255 are refused. */
export function latin1(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 255) throw new RangeError(`Cannot encode U+${code.toString(16)} as one byte`);
    bytes[i] = code;
  }
  return bytes;
}

/** A string with one character per byte. */
export function fromLatin1(bytes: Uint8Array): string {
  const CHUNK_BYTES = 8192;
  let text = "";
  for (let i = 0; i < bytes.length; i += CHUNK_BYTES) {
    text += String.fromCharCode(...bytes.subarray(i, i + CHUNK_BYTES));
  }
  return text;
}

/** Printable form in double quotes, as redis-cli shows a string and accepts one. */
export function quoted(value: Uint8Array | string): string {
  const text = typeof value === "string" ? value : fromLatin1(value);
  let out = '"';
  for (const character of text) {
    const code = character.charCodeAt(0);
    if (character === '"' || character === "\\") out += "\\" + character;
    else if (character === "\n") out += "\\n";
    else if (character === "\r") out += "\\r";
    else if (code >= 32 && code < 127) out += character;
    else out += "\\x" + code.toString(16).padStart(2, "0");
  }
  return out + '"';
}

/** Are two byte ranges the same? */
export function equalBytes(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  for (let i = 0; i < left.length; i++) if (left[i] !== right[i]) return false;
  return true;
}

/** Joins byte ranges into one. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** Writes a line to standard output. */
export function printLine(line: string): void {
  writeFully(Deno.stdout, utf8(line + "\n"));
}

/** Writes a line to standard error: progress, which must not mix with a result on stdout. */
export function printNote(line: string): void {
  writeFully(Deno.stderr, utf8(line + "\n"));
}

function writeFully(sink: { writeSync(bytes: Uint8Array): number }, bytes: Uint8Array): void {
  for (let offset = 0; offset < bytes.length;) offset += sink.writeSync(bytes.subarray(offset));
}

/**
 * How long a test waits for what must come: no measure of speed, only an end to waiting in vain. On
 * a machine with other things to do, everything may take fifty times as long.
 */
export const WAIT_MS_MAX = 90_000;

/** Resolves after so many milliseconds. Only for tests that run real processes. */
export function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Lets requests be carried out that waited until the server has looked at its events. */
export async function settle(): Promise<void> {
  for (let round = 0; round < 4; round++) await delay(0);
}

/**
 * Calls `probe` every few milliseconds until it answers true.
 * Throws with `what` in the message when `timeoutMs` has passed.
 */
export async function until(
  what: string,
  probe: () => boolean | Promise<boolean>,
  timeoutMs = WAIT_MS_MAX,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await probe())) {
    if (performance.now() > deadline) {
      throw new Error(`Cannot see within ${timeoutMs} ms: ${what}`);
    }
    await delay(20);
  }
}
