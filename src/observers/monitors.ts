/**
 * Monitors: clients that are shown every command that runs (MONITOR), each as a line:
 *
 *   +1339518083.107412 [0 127.0.0.1:60866] "set" "x" "a\x00b"
 *
 * Administrative commands are not shown, secrets are shown as "(redacted)".
 */
import { latin1Bytes } from "../base/bytes.ts";
import * as clock from "../base/clock.ts";
import { quoteBytes } from "../base/quoting.ts";
import {
  type Client,
  REDIS_MONITOR,
  REDIS_PUSHED_TO,
  REDIS_SCRIPT,
  REDIS_UNIX_SOCKET,
} from "../session/client.ts";
import { COMMAND_ADMIN, COMMAND_SKIP_MONITOR, type CompiledCommand } from "../session/command.ts";
import { GATE_MONITOR, type Gates } from "../session/gates.ts";

declare module "../session/host.ts" {
  interface Host {
    readonly monitors: Monitors;
  }
}

export class Monitors {
  readonly #clients = new Set<Client>();
  readonly #gates: Gates;

  constructor(gates: Gates) {
    this.#gates = gates;
  }

  get count(): number {
    return this.#clients.size;
  }

  /** Lets a client see all commands. */
  add(client: Client): void {
    this.#clients.add(client);
    client.flags |= REDIS_MONITOR | REDIS_PUSHED_TO;
    this.#gates.set(GATE_MONITOR, true);
  }

  remove(client: Client): void {
    this.#clients.delete(client);
    client.flags &= ~REDIS_MONITOR;
    this.#gates.set(GATE_MONITOR, this.count > 0);
  }

  /** Shows the command in a client's `argv`, which has just run. */
  feed(client: Client, command: CompiledCommand): void {
    if ((command.bits & (COMMAND_ADMIN | COMMAND_SKIP_MONITOR)) !== 0) return;
    this.show(client, command);
  }

  /** Shows a command whatever its flags say: EVAL shows itself before what its script calls. */
  show(client: Client, command: CompiledCommand): void {
    if (this.count === 0) return;
    const line = latin1Bytes(monitorLine(client, command));
    for (const monitor of this.#clients) {
      const reply = monitor.beginPush(monitor === client);
      reply.raw(line, 0, line.length);
      monitor.endPush(reply);
    }
  }
}

function monitorLine(client: Client, command: CompiledCommand): string {
  const { argv, db } = client;
  const us = clock.systemUs();
  const time = `${Math.floor(us / 1e6)}.${String(us % 1e6).padStart(6, "0")}`;
  const source = sourceOf(client);
  let line = `+${time} [${db.index} ${source}]`;
  for (let index = 0; index < argv.count; index++) {
    line += command.isSecret?.(argv, index)
      ? ' "(redacted)"'
      : ` ${quoteBytes(argv.bytes, argv.starts[index], argv.lengths[index])}`;
  }
  return `${line}\r\n`;
}

function sourceOf({ flags, transport }: Client): string {
  if ((flags & REDIS_SCRIPT) !== 0) return "lua";
  if ((flags & REDIS_UNIX_SOCKET) === 0) return transport.peerAddress;
  return `unix:${transport.peerAddress.replace(/:0$/, "")}`;
}
