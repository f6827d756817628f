/**
 * ACL log: what users were refused, the newest first (ACL LOG). Equal events within a minute are
 * one entry with a count.
 */
import * as clock from "../base/clock.ts";
import type { DenialReason } from "./acl_check.ts";
import type { Client } from "../session/client.ts";
import { clientLine } from "../session/client_listing.ts";

/** Equal events that are no further apart are counted together. */
const GROUPING_MS_MAX = 60_000;

export interface AclLogEntry {
  /** Counts entries from 0 on; Redis 7.2 shows it. */
  id: number;
  /** When it happened first, in ms since 1970. */
  createdMs: number;
  count: number;
  reason: DenialReason;
  /** Whether it happened in a transaction or a script. */
  context: "toplevel" | "multi" | "lua";
  /** The command, key or channel that was refused, as Latin-1 text. */
  object: string;
  userName: string;
  /** When it happened last, in ms since 1970. */
  timeMs: number;
  /** The client then, as CLIENT LIST shows it. */
  clientInfo: string;
}

export class AclLog {
  #entries: AclLogEntry[] = [];
  #nextId = 0;

  /** Notes a refusal; at most `entriesMax` are kept. */
  add(
    client: Client,
    reason: DenialReason,
    context: AclLogEntry["context"],
    object: string,
    userName: string,
    entriesMax: number,
  ): void {
    const timeMs = clock.nowMs();
    const isSame = (one: AclLogEntry) =>
      one.reason === reason && one.context === context && one.object === object &&
      one.userName === userName && Math.abs(timeMs - one.timeMs) <= GROUPING_MS_MAX;
    const known = this.#entries.findIndex(isSame);
    const former = known < 0 ? null : this.#entries.splice(known, 1)[0];
    const id = former?.id ?? this.#nextId++;
    const count = (former?.count ?? 0) + 1;
    const createdMs = former?.createdMs ?? timeMs;
    const clientInfo = clientLine(client);
    const event = { reason, context, object, userName, clientInfo };
    this.#entries.unshift({ id, count, createdMs, timeMs, ...event });
    this.#entries.length = Math.min(this.#entries.length, Math.max(0, entriesMax));
  }

  newest(count: number): readonly AclLogEntry[] {
    return this.#entries.slice(0, count);
  }

  reset(): void {
    this.#entries = [];
  }
}
