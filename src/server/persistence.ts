/**
 * Persistence: what the server asks of RDB and AOF together: what to load at start, what must be on
 * disk before a reply may leave, what a shutdown saves, why writers are refused.
 */
import type { CommandError } from "./errors.ts";
import type { Server } from "./server.ts";

export class Persistence {
  constructor(_server: Server) {}

  loadAtStart(): Promise<void> {
    return Promise.resolve();
  }

  beforeReplies(): boolean {
    return true;
  }

  tick(_nowMs: number): void {}

  writeError(): CommandError | null {
    return null;
  }

  afterFlushAll(): void {}

  close(): Promise<void> {
    return Promise.resolve();
  }
}
