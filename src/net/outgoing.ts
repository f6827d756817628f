/**
 * Outgoing: connections that this server makes to another one, by TCP, or by TLS with the
 * certificates that the `tls-*` parameters name.
 */
import type { Config } from "../config/config.ts";
import type { Socket } from "./runtime_carrier.ts";
import { loadPeerSettings } from "./tls.ts";
import { connectTls } from "./tls_client.ts";

/** Connects by TCP. Rejects with the error of the system. */
export async function connectPlainly(hostname: string, port: number): Promise<Socket> {
  const connection = await Deno.connect({ hostname, port });
  connection.setNoDelay(true);
  return connection;
}

/** Connects by TLS. Rejects with TlsConfigError, the error of the system or that of TLS. */
export async function connectByTls(config: Config, host: string, port: number): Promise<Socket> {
  return await connectTls(loadPeerSettings(config), host, port);
}
