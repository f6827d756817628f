/**
 * Command logging: after a command, which logs it goes to: SLOWLOG, COMMANDLOG, latency events.
 */
import type { Argv } from "../protocol/argv.ts";
import { type Client, REDIS_INTERNAL, REDIS_MASTER } from "../session/client.ts";
import { COMMAND_FAST, COMMAND_SKIP_SLOWLOG, type CompiledCommand } from "../session/command.ts";
import type { Host } from "../session/host.ts";
import { type LoggedCall, requestBytes } from "../statistics/slowlog.ts";

/** Clients whose commands nobody sent: they are repeated here. */
const REPEATING = REDIS_INTERNAL | REDIS_MASTER;
/** No argument has more bytes of protocol around it. */
const AROUND_ARGUMENT_BYTES = 16;

/** From so many bytes on a reply or a request is noted. */
export interface LargeLimits {
  readonly largeReplyBytes: number;
  readonly largeRequestBytes: number;
}

/** About as many bytes as the request has, never fewer; for a quick look. */
export function roughRequestBytes({ count, starts, lengths }: Argv): number {
  const last = count - 1;
  return starts[last] + lengths[last] - starts[0] + (count + 1) * AROUND_ARGUMENT_BYTES;
}

/** Notes a command whose reply or request is large, if it is. */
export function noteLarge(
  { commandLogs }: Pick<Host, "commandLogs">,
  { largeReplyBytes, largeRequestBytes }: LargeLimits,
  client: Client,
  command: CompiledCommand,
  replyBytes: number,
): void {
  if ((client.flags & REPEATING) !== 0 || (command.bits & COMMAND_SKIP_SLOWLOG) !== 0) return;
  if (replyBytes >= largeReplyBytes) {
    commandLogs.largeReply.add(loggedCall(client, command, replyBytes));
  }
  const bytes = requestBytes(client.argv);
  if (bytes >= largeRequestBytes) {
    commandLogs.largeRequest.add(loggedCall(client, command, bytes));
  }
}

/** Notes a command that was slow, if it was. */
export function noteSlow(
  { commandLogs, config, latency }: Pick<Host, "commandLogs" | "config" | "latency">,
  client: Client,
  command: CompiledCommand,
  microseconds: number,
): void {
  const { slowlogLogSlowerThan, latencyMonitorThreshold } = config;
  const isSlow = slowlogLogSlowerThan >= 0 && microseconds >= slowlogLogSlowerThan;
  if (isSlow && (command.bits & COMMAND_SKIP_SLOWLOG) === 0) {
    commandLogs.slow.add(loggedCall(client, command, microseconds));
  }
  if (latencyMonitorThreshold > 0 && microseconds >= latencyMonitorThreshold * 1000) {
    const isFast = (command.bits & COMMAND_FAST) !== 0;
    latency.add(isFast ? "fast-command" : "command", microseconds / 1000);
  }
}

/** A command as the logs want it; `amount` in µs or bytes. */
function loggedCall(client: Client, command: CompiledCommand, amount: number): LoggedCall {
  const { argv, name: clientName, transport: { peerAddress: address } } = client;
  const isSecret = (index: number) => command.isSecret?.(argv, index) ?? false;
  return { argv, amount, address, clientName, isSecret };
}
