/**
 * `--pipe`: sends standard input, which is requests in the wire's form, to the server as fast as it
 * takes them, counts the replies and prints the errors among them.
 *
 * Replies are awaited while data is sent, or both sides could wait for the other's buffer to empty.
 * The end is known by the reply to an ECHO of random bytes that is sent last; it begins with an
 * empty line, so that it is understood even after a request that was cut short.
 */
import { equalBytes, latin1Text } from "../base/bytes.ts";
import { monotonicUs } from "../base/clock.ts";
import {
  decodeReply,
  isErrorReply,
  isPushReply,
  ReplyFormatError,
} from "../protocol/reply_reader.ts";
import { encodeRequests } from "../protocol/request_encoder.ts";
import { type CliConnection, ConnectionError } from "./cli_connection.ts";
import { CliExit, type CliOutput } from "./cli_output.ts";

const MAGIC_BYTES = 20;
const EMPTY_LINE = [13, 10];

export interface PipeInput {
  read(): Promise<Uint8Array | null>;
}

/** Counts of a transfer. */
interface Progress {
  replies: number;
  errors: number;
  isSent: boolean;
  lastReplyUs: number;
}

/**
 * Runs to the end of the input and the last reply. Returns the exit code: 1 if there were errors or
 * no reply came for `timeoutS` seconds (0: wait for ever). Throws CliExit if the connection breaks.
 */
export async function pipe(
  input: PipeInput,
  connection: CliConnection,
  output: CliOutput,
  timeoutS: number,
): Promise<number> {
  const magic = crypto.getRandomValues(new Uint8Array(MAGIC_BYTES));
  const progress = { replies: 0, errors: 0, isSent: false, lastReplyUs: monotonicUs() };
  const timeout = Promise.withResolvers<boolean>();
  const timer = setInterval(() => {
    const silenceUs = monotonicUs() - progress.lastReplyUs;
    if (progress.isSent && timeoutS > 0 && silenceUs > timeoutS * 1e6) timeout.resolve(false);
  }, 1000);
  try {
    const transfer = Promise.all([
      send(input, connection, output, magic, progress),
      receive(connection, output, magic, progress),
    ]);
    // A transfer that ends after the timeout has nobody left to tell.
    transfer.catch(() => {});
    const isComplete = await Promise.race([transfer.then(() => true), timeout.promise]);
    if (!isComplete) {
      output.printError(`No replies for ${timeoutS} seconds: exiting.\n`);
      progress.errors++;
    }
  } catch (error) {
    if (!(error instanceof ConnectionError || error instanceof ReplyFormatError)) throw error;
    output.printError(`Error reading replies from server: ${error.message}\n`);
    throw new CliExit(1);
  } finally {
    clearInterval(timer);
  }
  output.print(`errors: ${progress.errors}, replies: ${progress.replies}\n`);
  return progress.errors > 0 ? 1 : 0;
}

async function send(
  input: PipeInput,
  connection: CliConnection,
  output: CliOutput,
  magic: Uint8Array,
  progress: Progress,
): Promise<void> {
  for (let bytes = await input.read(); bytes !== null; bytes = await input.read()) {
    await connection.write(bytes);
  }
  const echo = encodeRequests([[new TextEncoder().encode("ECHO"), magic]]);
  await connection.write(new Uint8Array([...EMPTY_LINE, ...echo]));
  progress.isSent = true;
  progress.lastReplyUs = monotonicUs();
  output.print("All data transferred. Waiting for the last reply...\n");
}

async function receive(
  connection: CliConnection,
  output: CliOutput,
  magic: Uint8Array,
  progress: Progress,
): Promise<void> {
  for (;;) {
    const bytes = await connection.receiveBytes();
    if (isPushReply(bytes)) continue;
    progress.lastReplyUs = monotonicUs();
    if (isErrorReply(bytes)) {
      const reply = decodeReply(bytes);
      if ("bytes" in reply) {
        output.printError(`${latin1Text(reply.bytes, 0, reply.bytes.length)}\n`);
      }
      progress.errors++;
    } else if (progress.isSent && isMagic(bytes, magic)) {
      output.print("Last reply received from server.\n");
      return;
    }
    progress.replies++;
  }
}

/** `$20\r\n`, the magic bytes, `\r\n`. */
function isMagic(bytes: Uint8Array, magic: Uint8Array): boolean {
  const start = bytes.length - magic.length - 2;
  return start === 5 && equalBytes(bytes, start, magic, 0, magic.length);
}
