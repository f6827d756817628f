/**
 * Quoting: bytes as a word in double quotes, all that is not printable ASCII escaped, as Redis
 * shows them to people (MONITOR, logs): "a\x00b\n".
 */

const NAMED: Readonly<Record<number, string>> = {
  7: "\\a",
  8: "\\b",
  9: "\\t",
  10: "\\n",
  13: "\\r",
  34: '\\"',
  92: "\\\\",
};

/** The range as a quoted word. */
export function quoteBytes(bytes: Uint8Array, start: number, length: number): string {
  let text = '"';
  for (let i = start; i < start + length; i++) {
    const byte = bytes[i]!;
    const named = NAMED[byte];
    if (named !== undefined) text += named;
    else if (byte >= 32 && byte < 127) text += String.fromCharCode(byte);
    else text += `\\x${byte.toString(16).padStart(2, "0")}`;
  }
  return `${text}"`;
}
