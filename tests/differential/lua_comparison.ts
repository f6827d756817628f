/**
 * Runs Lua programs by EVAL on redis-server and in the engine, and compares the replies.
 *
 * Addresses and the script's SHA1 are taken out of both, and the sign of NaN, which JavaScript does
 * not keep.
 */

import { latin1Bytes, latin1Text } from "../../src/base/bytes.ts";
import { type LuaHost, withoutAddresses } from "../support/lua_host.ts";
import { startRedis } from "../support/redis_process.ts";
import { encodeRequests, RespClient } from "../support/resp_client.ts";
import type { ServerProcess } from "../support/server_process.ts";

/** A redis-server that evaluates programs. */
export class LuaOriginal implements AsyncDisposable {
  readonly #server: ServerProcess | null;
  readonly #client: RespClient;

  private constructor(server: ServerProcess | null, client: RespClient) {
    this.#server = server;
    this.#client = client;
  }

  /** Starts a server, or connects to the one at a port. */
  static async start(port?: number): Promise<LuaOriginal> {
    const server = port === undefined ? await startRedis() : null;
    return new LuaOriginal(server, await RespClient.connect(port ?? server!.port));
  }

  /** The raw replies, one char per byte. */
  async evaluate(programs: readonly string[]): Promise<string[]> {
    const requests = programs.map((program) => ["EVAL", latin1Bytes(program), "0"]);
    const replies = await this.#client.exchangeBytes(encodeRequests(requests), programs.length);
    return replies.map((bytes) => latin1Text(bytes, 0, bytes.length));
  }

  /** Forgets the scripts: redis-server keeps each one it has seen. */
  async flush(): Promise<void> {
    await this.#client.expect("SCRIPT", "FLUSH");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.connection.close();
    await this.#server?.[Symbol.asyncDispose]();
  }
}

/** What of a reply must be the same. */
export function comparable(reply: string): string {
  return withoutAddresses(reply).replace(/\$\d+\r\n(?=[^\r]*nan\b)/g, "$N\r\n")
    .replaceAll("-nan", "nan");
}

/** The programs that are answered differently, with both replies. */
export async function compareLua(
  original: LuaOriginal,
  host: LuaHost,
  programs: readonly string[],
): Promise<{ program: string; original: string; ours: string }[]> {
  const replies = await original.evaluate(programs);
  const differences: { program: string; original: string; ours: string }[] = [];
  programs.forEach((program, i) => {
    const expected = comparable(replies[i]!);
    const ours = comparable(host.evaluate(program));
    if (ours !== expected) differences.push({ program, original: expected, ours });
  });
  return differences;
}
