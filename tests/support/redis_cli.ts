/**
 * redis-cli as a subprocess that is fed line by line, so that two of them can take turns as two
 * people at two terminals would. The answer to each line is awaited and compared before the next
 * is typed.
 */

import { assertEquals } from "@std/assert";
import { utf8, WAIT_MS_MAX } from "./text.ts";

export class RedisCli implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reader: ReadableStreamDefaultReader<string>;
  #pending = "";

  constructor(port: number, args: readonly string[] = []) {
    this.#child = new Deno.Command("redis-cli", {
      // --no-raw: the form a person sees, although this is no terminal.
      args: ["-p", String(port), "--no-raw", ...args],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#reader = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Types a command and asserts the lines of its answer. */
  async answers(command: string, ...expected: string[]): Promise<void> {
    await this.#writer.write(utf8(command + "\n"));
    const lines: string[] = [];
    for (let i = 0; i < expected.length; i++) lines.push((await this.#nextLine()).trimEnd());
    assertEquals(lines, expected, `redis-cli: ${command}`);
  }

  /** Types a command whose answer is one line, and returns it. */
  async ask(command: string): Promise<string> {
    await this.#writer.write(utf8(command + "\n"));
    return (await this.#nextLine()).trimEnd();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close().catch(() => {});
    await this.#reader.cancel();
    await this.#child.status;
  }

  async #nextLine(): Promise<string> {
    while (!this.#pending.includes("\n")) {
      const { promise: late, reject } = Promise.withResolvers<never>();
      const timer = setTimeout(
        () => reject(new Error("No answer from redis-cli")),
        WAIT_MS_MAX,
      );
      const { value, done } = await Promise.race([this.#reader.read(), late]);
      clearTimeout(timer);
      if (done) throw new Error(`redis-cli has ended; unfinished output: "${this.#pending}"`);
      this.#pending += value;
    }
    const end = this.#pending.indexOf("\n");
    const line = this.#pending.slice(0, end);
    this.#pending = this.#pending.slice(end + 1);
    return line;
  }
}
