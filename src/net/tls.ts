/**
 * TLS: reads certificate, key and authorities as the configuration names them, and carries out the
 * handshakes of new connections.
 *
 * A TlsLayer never changes: when a file or a setting does, a new layer takes the place of the old
 * one for all connections to come. Those that exist keep what they have agreed on.
 *
 * Older runtimes (Deno 2.6 is one) have no server in node:tls that deserves the name. There the
 * runtime's own TLS listener is used: it has neither client certificates nor a choice of protocols,
 * so a configuration that asks for these is refused rather than served without.
 *
 * Whether a client shows a good certificate is decided here and nowhere else (`tls-auth-clients`):
 * "optional" still refuses a client that shows a bad one, as Redis does. Ciphers and session caches
 * are the runtime's own; it knows the protocols 1.2 and 1.3 only.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import type { Duplex } from "node:stream";
import type { SecureVersion, Server as TlsServer, TlsOptions, TLSSocket } from "node:tls";
import { join } from "@std/path";
import { readableText } from "../base/bytes.ts";
import { type Config, systemErrorText } from "../config/config.ts";
import type { Socket } from "./runtime_carrier.ts";
import { builtin, rawStream, TlsSocket } from "./tls_stream.ts";

/**
 * A client that has not finished its handshake by then is closed. Redis has no such limit; with one
 * of ten seconds, fifty clients of a server that hardly gets a processor were closed for nothing
 * (redis-benchmark then waits for their replies for ever).
 */
const HANDSHAKE_MS_MAX = 60_000;

const PROTOCOLS: readonly string[] = ["tlsv1", "tlsv1.1", "tlsv1.2", "tlsv1.3"];
const CERTIFICATE_BLOCK = /-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/g;
const ENCRYPTED_KEY = /ENCRYPTED/;
/** How the TLS library begins when it is the certificate that it does not take. */
const CERTIFICATE_REFUSED = /^invalid peer certificate/;
const KEY_KIND_REFUSED = /failed to parse private key/;
/** Servers of node:tls that are kept for handshakes to come; more are made in a rush. */
const IDLE_SERVERS_MAX = 64;

/** What the configuration asks for cannot be had; the message is meant for the log. */
export class TlsConfigError extends Error {}

export interface TlsSettings {
  /** PEM: the server's certificate, and those between it and its authority. */
  readonly certificate: string;
  /** PEM, not encrypted. */
  readonly key: string;
  /** PEM, one each. */
  readonly authorities: readonly string[];
  readonly clientCertificates: "no" | "yes" | "optional";
  readonly minVersion: SecureVersion;
  readonly maxVersion: SecureVersion;
}

/**
 * Reads and checks what the `tls-*` parameters name. Throws TlsConfigError if a TLS port
 * cannot be served that way.
 */
export function loadTlsSettings(config: Config): TlsSettings {
  if (config.tlsCertFile === "") {
    throw new TlsConfigError("TLS needs a certificate: tls-cert-file is empty");
  }
  if (config.tlsKeyFile === "") {
    throw new TlsConfigError("TLS needs a private key: tls-key-file is empty");
  }
  const hasAuthorities = config.tlsCaCertFile !== "" || config.tlsCaCertDir !== "";
  if (config.tlsAuthClients !== "no" && !hasAuthorities) {
    throw new TlsConfigError(
      "Certificates of clients cannot be checked without an authority: set tls-ca-cert-file or " +
        "tls-ca-cert-dir, or tls-auth-clients no",
    );
  }
  const certificate = readCertificate(config.resolvePath(config.tlsCertFile));
  const keyPath = config.resolvePath(config.tlsKeyFile);
  const key = readKey(keyPath, readableText(config.tlsKeyFilePass));
  checkPair({ certificate, path: config.resolvePath(config.tlsCertFile) }, { key, path: keyPath });
  return {
    certificate,
    key,
    authorities: readAuthorities(config),
    clientCertificates: config.tlsAuthClients,
    ...protocolRange(config.tlsProtocols),
  };
}

/** What this server shows to another one that it connects to, and whom it trusts. */
export type PeerSettings = Omit<TlsSettings, "clientCertificates">;

/**
 * Reads what a connection to another server needs: the client certificate, if there is one, else
 * the server's own (Redis shows that, too). Throws TlsConfigError.
 */
export function loadPeerSettings(config: Config): PeerSettings {
  const isOwn = config.tlsClientCertFile === "";
  const certificateFile = isOwn ? config.tlsCertFile : config.tlsClientCertFile;
  const keyFile = isOwn ? config.tlsKeyFile : config.tlsClientKeyFile;
  const passphrase = isOwn ? config.tlsKeyFilePass : config.tlsClientKeyFilePass;
  const isShown = certificateFile !== "" && keyFile !== "";
  return {
    certificate: isShown ? readCertificate(config.resolvePath(certificateFile)) : "",
    key: isShown ? readKey(config.resolvePath(keyFile), readableText(passphrase)) : "",
    authorities: readAuthorities(config),
    ...protocolRange(config.tlsProtocols),
  };
}

function readCertificate(path: string): string {
  try {
    const text = Deno.readTextFileSync(path);
    const blocks = text.match(CERTIFICATE_BLOCK);
    if (blocks === null) throw new TypeError("no PEM certificate in it");
    blocks.forEach(refuseOldVersion);
    return text;
  } catch (error) {
    throw new TlsConfigError(`The certificate is no good: ${path}: ${systemErrorText(error)}`);
  }
}

/**
 * Throws a TypeError for a certificate of X.509 version 1 or 2, which the TLS library refuses (as
 * an authority it does take one). `openssl x509 -req` makes them unless it is given extensions.
 */
function refuseOldVersion(pem: string): void {
  const { subject } = new X509Certificate(pem);
  const version = versionOf(decodePem(pem));
  if (version >= 3) return;
  throw new TypeError(
    `'${subject}' is an X.509 certificate of version ${version}, and the TLS library takes only ` +
      "version 3: issue it with extensions, such as subjectAltName",
  );
}

/** The bytes of a PEM block. (X509Certificate has them as `raw`, in newer runtimes only.) */
function decodePem(pem: string): Uint8Array {
  const base64 = pem.replaceAll(/-----[^-]+-----|\s/g, "");
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
}

/** The version of an X.509 certificate in DER; it is left out if it is 1. */
function versionOf(der: Uint8Array): number {
  // Certificate and TBSCertificate are sequences: a tag and a length of one or more bytes.
  let at = 0;
  for (let depth = 0; depth < 2; depth++) {
    const length = der[at + 1]!;
    at += length < 0x80 ? 2 : 2 + (length & 0x7f);
  }
  // [0] { INTEGER version - 1 }
  return der[at] === 0xa0 ? der[at + 4]! + 1 : 1;
}

function readKey(path: string, passphrase: string): string {
  try {
    const text = Deno.readTextFileSync(path);
    if (!ENCRYPTED_KEY.test(text)) return text;
    if (passphrase === "") {
      throw new TypeError("it is encrypted, and there is no tls-key-file-pass");
    }
    const key = createPrivateKey({ key: text, passphrase });
    return String(key.export({ type: "pkcs8", format: "pem" }));
  } catch (error) {
    throw new TlsConfigError(`The private key is no good: ${path}: ${systemErrorText(error)}`);
  }
}

/**
 * Whether the TLS library takes the two together. It tells when it is given a listener, so it gets
 * one on a port that nobody knows; node:tls would only tell the first client.
 */
function checkPair(
  { certificate, path }: { certificate: string; path: string },
  { key, path: keyPath }: { key: string; path: string },
): void {
  try {
    Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert: certificate, key }).close();
  } catch (error) {
    const reason = systemErrorText(error);
    if (CERTIFICATE_REFUSED.test(reason)) {
      throw new TlsConfigError(`The certificate is no good: ${path}: ${reason}`);
    }
    const hint = KEY_KIND_REFUSED.test(reason)
      ? " (supported are RSA from 2048 bits, the curves P-256, P-384 and P-521, and Ed25519)"
      : "";
    throw new TlsConfigError(`The private key is no good: ${keyPath}: ${reason}${hint}`);
  }
}

function readAuthorities(config: Config): string[] {
  const failure = "The certificates of authorities are no good";
  const authorities: string[] = [];
  const add = (path: string, mustHaveSome: boolean) => {
    const blocks = Deno.readTextFileSync(path).match(CERTIFICATE_BLOCK) ?? [];
    if (mustHaveSome && blocks.length === 0) throw new TypeError("no PEM certificate in it");
    for (const block of blocks) new X509Certificate(block);
    authorities.push(...blocks);
  };
  let path = "";
  try {
    if (config.tlsCaCertFile !== "") {
      path = config.resolvePath(config.tlsCaCertFile);
      add(path, true);
    }
    if (config.tlsCaCertDir !== "") {
      path = config.resolvePath(config.tlsCaCertDir);
      for (const { name, isDirectory } of [...Deno.readDirSync(path)]) {
        if (!isDirectory) add(join(path, name), false);
      }
    }
  } catch (error) {
    throw new TlsConfigError(`${failure}: ${path}: ${systemErrorText(error)}`);
  }
  // Without any, node:tls would trust all the authorities of the web.
  if (config.tlsAuthClients !== "no" && authorities.length === 0) {
    throw new TlsConfigError(`${failure}: ${path}: no PEM certificate in it`);
  }
  return authorities;
}

/** The versions that `tls-protocols` allows and the runtime has; both if it says nothing. */
function protocolRange(text: string): { minVersion: SecureVersion; maxVersion: SecureVersion } {
  const words = text.toLowerCase().split(" ").filter((word) => word !== "");
  if (!words.every((word) => PROTOCOLS.includes(word))) {
    throw new TlsConfigError(
      `tls-protocols names what is no version of TLS: ${text}. Known are TLSv1, TLSv1.1, TLSv1.2 ` +
        "and TLSv1.3",
    );
  }
  const allows = (version: string) => words.length === 0 || words.includes(version);
  if (!allows("tlsv1.2") && !allows("tlsv1.3")) {
    throw new TlsConfigError(`There is neither TLSv1.2 nor TLSv1.3 in tls-protocols: ${text}`);
  }
  return {
    minVersion: allows("tlsv1.2") ? "TLSv1.2" : "TLSv1.3",
    maxVersion: allows("tlsv1.3") ? "TLSv1.3" : "TLSv1.2",
  };
}

/** Whether `tls-protocols` names versions that are too old for the runtime, beside newer ones. */
export function namesOldProtocols(text: string): boolean {
  return /tlsv1(\.1)?( |$)/i.test(text);
}

/** Whether node:tls can be laid over connections that we accept; see the head of this file. */
function hasTlsServer(): boolean {
  return builtin("node:tls").Server.prototype instanceof builtin("node:net").Server;
}

export interface TlsLayerOptions {
  /** How long a handshake may take. */
  readonly handshakeMsMax?: number;
  /** Leave TLS to the runtime's own listener, as if it had no other way. */
  readonly isByRuntime?: boolean;
}

export class TlsLayer {
  /** Connections must come from `listen`, since the runtime does the TLS itself. */
  readonly isByRuntime: boolean;
  readonly #handshakeMsMax: number;
  readonly #settings: TlsSettings;
  readonly #options: TlsOptions;
  readonly #isOptional: boolean;
  /** Those without a handshake. */
  readonly #idleServers: TlsServer[] = [];
  /** Connections whose handshake has ended well or badly. */
  readonly #settled = new WeakSet<TLSSocket>();
  #parseCount = 0;
  /** How to close the connections whose handshake is under way. */
  readonly #pending = new Set<() => void>();

  /** Throws TlsConfigError if the runtime cannot do what the settings ask for. */
  constructor(settings: TlsSettings, options: TlsLayerOptions = {}) {
    this.isByRuntime = options.isByRuntime ?? !hasTlsServer();
    if (this.isByRuntime) refuseRestrictions(settings);
    this.#settings = settings;
    this.#handshakeMsMax = options.handshakeMsMax ?? HANDSHAKE_MS_MAX;
    this.#isOptional = settings.clientCertificates === "optional";
    this.#options = {
      cert: settings.certificate,
      key: settings.key,
      ca: [...settings.authorities],
      requestCert: settings.clientCertificates !== "no",
      rejectUnauthorized: settings.clientCertificates === "yes",
      minVersion: settings.minVersion,
      maxVersion: settings.maxVersion,
      handshakeTimeout: this.#handshakeMsMax,
    };
  }

  /** How often certificate, key and authorities have been parsed for handshakes. */
  get parseCount(): number {
    return this.#parseCount;
  }

  /** Connections whose handshake is under way. */
  get pendingCount(): number {
    return this.#pending.size;
  }

  /** Listens with the runtime's TLS (`isByRuntime`). Throws the system's error. */
  listen(options: { hostname: string; port: number; tcpBacklog?: number }): Deno.TlsListener {
    const { certificate, key } = this.#settings;
    return Deno.listenTls({ ...options, cert: certificate, key });
  }

  /**
   * Carries out the handshake over a connection that has just been accepted. Resolves with the
   * socket to read and write from then on; rejects with the reason, the connection being closed.
   */
  async handshake(connection: Deno.TcpConn | Deno.TlsConn): Promise<Socket> {
    let abort = () => connection.close();
    const forget = () => this.#pending.delete(abort);
    if ("handshake" in connection) {
      this.#pending.add(abort);
      return await this.#handshakeByRuntime(connection).finally(forget);
    }
    const raw = rawStream(connection);
    abort = () => void raw.destroy();
    this.#pending.add(abort);
    return await this.#handshakeOver(raw).finally(forget);
  }

  #handshakeOver(raw: Duplex): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const server = this.#idleServers.pop() ?? this.#makeServer();
      let isDone = false;
      const settle = (socket: TLSSocket, outcome: () => void) => {
        // An afterthought about a connection that had the server before.
        if (this.#settled.has(socket)) return;
        this.#settled.add(socket);
        server.removeAllListeners("tlsClientError").removeAllListeners("secureConnection");
        if (this.#idleServers.length < IDLE_SERVERS_MAX) this.#idleServers.push(server);
        isDone = true;
        outcome();
      };
      const fail = (error: Error) => {
        isDone = true;
        raw.destroy();
        reject(error);
      };
      server.on("tlsClientError", (error: Error, socket: TLSSocket) => {
        settle(socket, () => fail(certificateRefusal(socket) ?? error));
      });
      server.on("secureConnection", (socket: TLSSocket) => {
        settle(socket, () => {
          socket.on("close", () => raw.destroy());
          if (this.#isOptional && showsBadCertificate(socket)) {
            socket.destroy();
            return fail(certificateRefusal(socket)!);
          }
          resolve(new TlsSocket(socket));
        });
      });
      raw.on("error", fail);
      // What node:tls has to say about it comes a moment later, and says more; about a client that
      // hangs up it says nothing.
      const hungUp = () => {
        setTimeout(() => {
          if (!isDone) fail(new Error("connection closed"));
        });
      };
      raw.on("close", hungUp);
      raw.on("end", hungUp);
      server.emit("connection", raw);
    });
  }

  /**
   * A server that listens nowhere. It parses the certificates, which takes a millisecond; and it
   * carries out one handshake at a time, so its events are those of one connection.
   */
  #makeServer(): TlsServer {
    this.#parseCount++;
    return builtin("node:tls").createServer(this.#options);
  }

  /** The runtime keeps the file of a late connection open until the peer gives up, too. */
  async #handshakeByRuntime(connection: Deno.TlsConn): Promise<Socket> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      connection.close();
    }, this.#handshakeMsMax);
    try {
      await connection.handshake();
      return connection as unknown as Socket;
    } catch (error) {
      if (isLate) throw new Error("TLS handshake timeout");
      connection.close();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Closes the connections whose handshake is under way. */
  close(): void {
    for (const abort of this.#pending) abort();
  }
}

/** The runtime's own listener serves everybody, with every protocol that it has. */
function refuseRestrictions(settings: TlsSettings): void {
  const runtime = `this runtime (Deno ${Deno.version.deno})`;
  if (settings.clientCertificates !== "no") {
    throw new TlsConfigError(
      `Cannot check client certificates on ${runtime}: tls-auth-clients must be no`,
    );
  }
  if (settings.minVersion !== "TLSv1.2" || settings.maxVersion !== "TLSv1.3") {
    throw new TlsConfigError(`Cannot choose tls-protocols on ${runtime}: it offers 1.2 and 1.3`);
  }
}

/** Why a client's certificate is not to be trusted, as far as that is why it was closed. */
function certificateRefusal({ authorizationError }: TLSSocket): Error | null {
  // node:tls has a code here, its types speak of an Error.
  const reason = authorizationError as Error | string | null | undefined;
  if (reason === null || reason === undefined) return null;
  return new Error(`client certificate refused: ${reason}`);
}

/** A client may show no certificate, but not one that is not to be trusted. */
function showsBadCertificate(socket: TLSSocket): boolean {
  if (socket.authorized) return false;
  const certificate = socket.getPeerCertificate();
  return certificate !== null && Object.keys(certificate).length > 0;
}
