/**
 * What the stress tests share: their size, a server whose memory is watched, and a bystander who
 * must be answered at all times.
 */

import { assertEquals } from "@std/assert";
import type { RespClient } from "../support/resp_client.ts";
import { anonymousBytes } from "../support/process_stat.ts";
import type { ServerProcess } from "../support/server_process.ts";
import { delay, until } from "../support/text.ts";

/** REDENO_STRESS=full runs the sizes of the mission; otherwise a tenth or so. */
export const IS_FULL = Deno.env.get("REDENO_STRESS") === "full";

export const MEGABYTE = 1024 * 1024;

/** What the server itself counts as used. */
export async function usedMemory(client: RespClient): Promise<number> {
  const info = String(await client.expect("INFO", "memory"));
  return Number(/^used_memory:(\d+)/m.exec(info)![1]);
}

/**
 * Waits until the server counts no more memory as used than `before` and some slack. Resident
 * memory is compared too where the kernel tells it, with more slack: freed pages may stay with
 * the process. Pages of files are left out; they come and go as the kernel likes.
 */
export async function assertMemoryComesBack(
  server: ServerProcess,
  client: RespClient,
  before: { used: number; resident: number },
  residentSlack: number,
): Promise<void> {
  await until(
    `used_memory is back near ${before.used}`,
    async () => (await usedMemory(client)) < before.used + 2 * MEGABYTE,
    20_000,
  );
  if (Deno.build.os !== "linux") return;
  // Code that was compiled meanwhile, and the heap of the C library, take some megabytes.
  const slack = Math.max(residentSlack, 32 * MEGABYTE);
  await until(
    `resident memory is back near ${before.resident} (+ ${slack})`,
    () => anonymousBytes(server.pid) < before.resident + slack,
    20_000,
  );
}

export async function memoryNow(
  server: ServerProcess,
  client: RespClient,
): Promise<{ used: number; resident: number }> {
  const resident = Deno.build.os === "linux" ? anonymousBytes(server.pid) : 0;
  return { used: await usedMemory(client), resident };
}

/** A client that asks all the time until it is stopped. */
export class Bystander {
  #isStopped = false;
  #answered = 0;
  #error: unknown = null;
  readonly #running: Promise<void>;

  constructor(readonly client: RespClient) {
    // Kept for the end: a failing test closes our server, which must not end the whole run.
    this.#running = this.#ask().catch((error) => void (this.#error = error));
  }

  /** Stops asking; asserts that it was answered, to the last question. How fast is no matter. */
  async assertAnswered(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
    if (this.#error !== null) throw this.#error;
    assertEquals(this.#answered > 0, true, "the bystander was never answered");
  }

  async #ask(): Promise<void> {
    while (!this.#isStopped) {
      assertEquals(await this.client.call("ECHO", "still there"), "still there");
      this.#answered++;
      await delay(2);
    }
  }
}
