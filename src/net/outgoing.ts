/**
 * Outgoing: connections that this server makes to another one, by TCP, or by TLS with the
 * certificates that the `tls-*` parameters name.
 *
 * As in Redis, the other side must show a certificate of one of our authorities, but the name in it
 * is not compared with the host: servers that replicate are often known by address only.
 */
import type { Config } from "../config/config.ts";
import type { Socket } from "./runtime_carrier.ts";
import { loadPeerSettings } from "./tls.ts";
import { builtin, TlsSocket } from "./tls_stream.ts";

/** Connects by TCP. Rejects with the error of the system. */
export async function connectPlainly(hostname: string, port: number): Promise<Socket> {
  const connection = await Deno.connect({ hostname, port });
  connection.setNoDelay(true);
  return connection;
}

/** Connects by TLS. Rejects with TlsConfigError, the error of the system or that of TLS. */
export function connectByTls(config: Config, host: string, port: number): Promise<Socket> {
  const { certificate, key, authorities, minVersion, maxVersion } = loadPeerSettings(config);
  return new Promise((resolve, reject) => {
    const socket = builtin("node:tls").connect({
      host,
      port,
      ...(certificate === "" ? {} : { cert: certificate, key }),
      ca: [...authorities],
      minVersion,
      maxVersion,
      checkServerIdentity: () => undefined,
    }, () => {
      socket.setNoDelay(true);
      socket.off("error", reject);
      resolve(new TlsSocket(socket));
    });
    socket.on("error", reject);
  });
}
