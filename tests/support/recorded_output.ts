/** Output of the command-line client, kept for a test to look at. */
import type { CliOutput } from "../../src/cli/cli_output.ts";

export class RecordedOutput implements CliOutput {
  isTerminal = false;
  printed = "";
  errors = "";

  print(binary: string): void {
    this.printed += binary;
  }

  printError(text: string): void {
    this.errors += text;
  }

  /** All that was printed since the last call. */
  take(): string {
    const text = this.printed;
    this.printed = "";
    return text;
  }
}
