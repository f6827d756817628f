/**
 * Transport: chooses, at the start, how clients are carried (`transport`):
 *
 *   epoll     sockets of our own, where the C library may be called: Linux, `--allow-ffi`
 *   runtime   those of the runtime: everywhere
 *   auto      epoll if it can be had and works, else the runtime's, and the log says why
 *
 * TLS is carried by the runtime in any case.
 */
import type { Config } from "../config/config.ts";
import { EventLoop } from "./event_loop.ts";

const REQUIREMENTS = "epoll needs Linux on x86-64 or arm64 with glibc, and --allow-ffi";

/** How clients are carried. */
export interface Transport {
  /** What carries them by epoll; null if the runtime does. */
  readonly eventLoop: EventLoop | null;
  /** For the log: "epoll" and the like. */
  readonly text: string;
}

/** Rejects with an Error if the configuration insists on epoll and there is none. */
export async function openTransport({ transport }: Config): Promise<Transport> {
  if (transport === "runtime") {
    return { eventLoop: null, text: "the runtime's sockets, as 'transport' says" };
  }
  const { eventLoop, reason } = await tryEpoll();
  if (eventLoop !== null) return { eventLoop, text: "epoll" };
  if (transport === "epoll") throw new Error(`'transport' is epoll, but ${reason}`);
  return { eventLoop: null, text: `the runtime's sockets: ${reason}` };
}

async function tryEpoll(): Promise<{ eventLoop: EventLoop | null; reason: string }> {
  try {
    return { eventLoop: await EventLoop.open(), reason: REQUIREMENTS };
  } catch (error) {
    return { eventLoop: null, reason: `epoll does not work here: ${(error as Error).message}` };
  }
}
