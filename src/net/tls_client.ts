/**
 * TLS client: a connection by TLS to another server. What certificates are shown and trusted is
 * read elsewhere (tls.ts); this file knows nothing of the server, so a Worker loads it quickly.
 *
 * As in Redis, the other side must show a certificate of one of our authorities, but the name in it
 * is not compared with the host: servers that replicate are often known by address only.
 */
import type { SecureVersion } from "node:tls";
import { builtin, TlsSocket } from "./tls_stream.ts";

export interface TlsClientSettings {
  /** PEM; "" shows none. */
  readonly certificate: string;
  /** PEM, not encrypted. */
  readonly key: string;
  /** PEM, one each. */
  readonly authorities: readonly string[];
  readonly minVersion: SecureVersion;
  readonly maxVersion: SecureVersion;
}

/** Connects. Rejects with the error of the system or that of TLS. */
export function connectTls(
  { certificate, key, authorities, minVersion, maxVersion }: TlsClientSettings,
  host: string,
  port: number,
): Promise<TlsSocket> {
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
