/**
 * Call stack: the commands in progress. At its bottom is the request of a client; EXEC runs the
 * commands of its queue inside of its own call, and each has a frame of its own.
 *
 * A frame (`Call`, command.ts) keeps what belongs to one execution: command, arguments, where its
 * reply begins, its effects. When it is left, the client's arguments and command are again those of
 * the call around it. Frames are used again and again, so that a command makes no object.
 */
import type { Client } from "./client.ts";
import { type Call, type CompiledCommand, PROPAGATE_ALL } from "./command.ts";

declare module "./host.ts" {
  interface Host {
    readonly calls: CallStack;
  }
}

export class CallStack {
  /** Number of commands in progress. */
  depth = 0;
  /** The kinds (PROPAGATE_…) of those who record effects; new calls hear of it. */
  wantedTargets = 0;
  readonly #frames: Call[] = [];

  /** Whether a command runs inside of another one. */
  get isNested(): boolean {
    return this.depth > 1;
  }

  /** The innermost call; null between commands. */
  get current(): Call | null {
    return this.depth === 0 ? null : this.#frames[this.depth - 1];
  }

  /** Whether a command of this client is in progress. */
  isRunning(client: Client): boolean {
    for (let index = 0; index < this.depth; index++) {
      if (this.#frames[index].client === client) return true;
    }
    return false;
  }

  /** A command of a client begins, with the arguments in its `argv`. */
  enter(client: Client, command: CompiledCommand): Call {
    const { depth } = this;
    this.depth = depth + 1;
    let call = this.#frames[depth];
    if (call === undefined) call = this.#frames[depth] = newFrame(client, command);
    call.client = client;
    call.command = command;
    call.argv = client.argv;
    call.mark = client.reply.length;
    call.effects = null;
    call.wantedTargets = this.wantedTargets;
    call.outer = client.call;
    client.command = command;
    client.call = call;
    return call;
  }

  /** The innermost call is over. */
  leave(call: Call): void {
    this.depth--;
    const { client, outer } = call;
    client.call = outer;
    if (outer === null) return;
    client.argv = outer.argv;
    client.command = outer.command;
  }

  /** Frames that are not in use let a client go. */
  forget(client: Client): void {
    for (let index = this.depth; index < this.#frames.length; index++) {
      if (this.#frames[index].client === client) this.#frames.length = index;
    }
  }
}

function newFrame(client: Client, command: CompiledCommand): Call {
  return {
    client,
    command,
    argv: client.argv,
    mark: 0,
    effects: null,
    effectTargets: PROPAGATE_ALL,
    wantedTargets: 0,
    outer: null,
  };
}
