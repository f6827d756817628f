/**
 * Where the client's words go: standard output and standard error, and how the program ends.
 *
 * `print` takes binary strings (one character per byte, see reply_format.ts); `printError` takes
 * ordinary text.
 */
import { latin1Bytes } from "../base/bytes.ts";

/** Ends the program with a code, from whatever depth; all that is to be said has been said. */
export class CliExit extends Error {
  override name = "CliExit";

  constructor(readonly code: number) {
    super(`exit ${code}`);
  }
}

export interface CliOutput {
  readonly isTerminal: boolean;
  /** Writes a binary string to standard output. */
  print(binary: string): void;
  /** Writes text to standard error. */
  printError(text: string): void;
}

function writeFully(sink: { writeSync(bytes: Uint8Array): number }, bytes: Uint8Array): void {
  for (let offset = 0; offset < bytes.length;) offset += sink.writeSync(bytes.subarray(offset));
}

/** The process's own. Throws CliExit once nobody reads standard output any longer. */
export class ProcessOutput implements CliOutput {
  readonly isTerminal = Deno.stdout.isTerminal();

  print(binary: string): void {
    try {
      writeFully(Deno.stdout, latin1Bytes(binary));
    } catch (error) {
      if (error instanceof Deno.errors.BrokenPipe) throw new CliExit(1);
      throw error;
    }
  }

  printError(text: string): void {
    writeFully(Deno.stderr, new TextEncoder().encode(text));
  }
}
