/**
 * Requests as a client sends them: an array of bulk strings for each command.
 *
 * The counterpart of request_parser.ts. The server's own use, the append-only file, writes the same
 * form from arguments that lie in memory (persistence/command_writer.ts).
 */
import { writeLatin1 } from "../base/bytes.ts";

const LINE_END = "\r\n";

function header(mark: string, count: number): string {
  return `${mark}${count}${LINE_END}`;
}

/** The bytes of one request for each list of words, one after the other. */
export function encodeRequests(
  requests: readonly (readonly Uint8Array[])[],
): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const words of requests) {
    length += header("*", words.length).length;
    for (const word of words) length += header("$", word.length).length + word.length + 2;
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const words of requests) {
    at += writeLatin1(header("*", words.length), bytes, at);
    for (const word of words) {
      at += writeLatin1(header("$", word.length), bytes, at);
      bytes.set(word, at);
      at += word.length;
      at += writeLatin1(LINE_END, bytes, at);
    }
  }
  return bytes;
}
