/**
 * TLS: what is refused at the start, who gets in with which certificate, changes at run time, and
 * clients that send garbage or nothing.
 */
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { Config } from "../../src/config/config.ts";
import { loadTlsSettings, namesOldProtocols, TlsConfigError, TlsLayer } from "../../src/net/tls.ts";
import { Certificates } from "../support/certificates.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { freePort, startServer } from "../support/server_process.ts";
import { fromLatin1, latin1, until } from "../support/text.ts";
import { runTool, testWith } from "../support/tool_availability.ts";

function tlsConfig(made: Certificates, changes: Partial<Config> = {}): Config {
  return Object.assign(new Config(), {
    tlsCertFile: made.path("server.crt"),
    tlsKeyFile: made.path("server.key"),
    tlsCaCertFile: made.path("ca.crt"),
    ...changes,
  });
}

/** An embedded server with an open TLS port. */
function serveTls(made: Certificates, changes: Partial<Config> = {}): EmbeddedServer {
  const server = new EmbeddedServer();
  const { config, listeners, log } = server.server;
  log.open(Deno.build.os === "windows" ? "NUL" : "/dev/null");
  Object.assign(config, tlsConfig(made, changes), { port: 0, bind: ["127.0.0.1"] });
  config.tlsPort = freePort();
  listeners.open();
  listeners.accept();
  return server;
}

/** PING over TLS as a client with this certificate; the reply, or "" if it is not let in. */
async function ping(server: EmbeddedServer, made: Certificates, name = ""): Promise<string> {
  const own = name === "" ? {} : { cert: made.text(`${name}.crt`), key: made.text(`${name}.key`) };
  const port = server.server.config.tlsPort;
  const caCerts = [made.text("ca.crt")];
  const options = { hostname: "localhost", port, caCerts, ...own };
  const connection = await Deno.connectTls(options);
  await connection.handshake();
  try {
    await connection.write(latin1("PING\r\n"));
    const target = new Uint8Array(64);
    const count = await connection.read(target);
    return count === null ? "" : fromLatin1(target.subarray(0, count));
  } catch {
    return "";
  } finally {
    connection.close();
  }
}

async function isRefused(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ port })).close();
    return false;
  } catch (error) {
    return error instanceof Deno.errors.ConnectionRefused;
  }
}

testWith(["openssl"], "bad certificates and keys are refused with path and reason", async () => {
  await using made = await Certificates.create();
  await Deno.mkdir(made.path("empty"));
  await made.issue("old", { version: 1 });
  const oldVersion = "'CN=old' is an X.509 certificate of version 1";
  const chain = made.text("server.crt") + made.text("old.crt");
  await Deno.writeTextFile(made.path("chain.crt"), chain);
  const cut = made.text("server.crt").split("\n").toSpliced(-5, 1).join("\n");
  await Deno.writeTextFile(made.path("cut.crt"), cut);
  await runTool("openssl", ["genrsa", "-out", made.path("small.key"), "1024"]);
  const cases: readonly [Partial<Config>, string][] = [
    [{ tlsCertFile: "" }, "TLS needs a certificate"],
    [{ tlsKeyFile: "" }, "TLS needs a private key"],
    [{ tlsCaCertFile: "" }, "cannot be checked without an authority"],
    [{ tlsCertFile: "/no.crt" }, "The certificate is no good: /no.crt: No such file or directory"],
    [{ tlsCertFile: made.path("ca.key") }, "no PEM certificate in it"],
    [{ tlsKeyFile: made.path("ca.crt") }, `The private key is no good: ${made.path("ca.crt")}`],
    [{ tlsKeyFile: made.path("client.key") }, "KeyMismatch"],
    [{ tlsCertFile: made.path("old.crt"), tlsKeyFile: made.path("old.key") }, oldVersion],
    // Also where it stands between the server and its authority.
    [{ tlsCertFile: made.path("chain.crt") }, oldVersion],
    [{ tlsCertFile: made.path("cut.crt") }, `The certificate is no good: ${made.path("cut.crt")}`],
    [{ tlsKeyFile: made.path("small.key") }, "private key as RSA, ECDSA, or EdDSA (supported are"],
    [{ tlsKeyFile: made.path("server_encrypted.key") }, "there is no tls-key-file-pass"],
    [{ tlsKeyFile: made.path("server_encrypted.key"), tlsKeyFilePass: "wrong" }, "bad decrypt"],
    [{ tlsCaCertFile: made.path("ca.key") }, "The certificates of authorities are no good"],
    // An empty list would mean the authorities of the web.
    [{ tlsCaCertFile: "", tlsCaCertDir: made.path("empty") }, "no PEM certificate in it"],
    [{ tlsProtocols: "TLSv9" }, "tls-protocols names what is no version of TLS: TLSv9"],
    [{ tlsProtocols: "TLSv1 TLSv1.1" }, "neither TLSv1.2 nor TLSv1.3"],
  ];
  for (const [changes, message] of cases) {
    assertThrows(() => loadTlsSettings(tlsConfig(made, changes)), TlsConfigError, message);
  }
  await Deno.remove(made.path("cut.crt"));
  const changes = {
    tlsKeyFile: made.path("server_encrypted.key"),
    tlsKeyFilePass: made.passphrase,
    tlsCaCertFile: "",
    tlsCaCertDir: made.directory,
    tlsProtocols: "tlsv1.1 TLSv1.3",
  };
  const settings = loadTlsSettings(tlsConfig(made, changes));
  assertEquals([settings.minVersion, settings.maxVersion], ["TLSv1.3", "TLSv1.3"]);
  assertEquals(settings.authorities.length, 7);
  assert(namesOldProtocols(changes.tlsProtocols) && !namesOldProtocols("TLSv1.2 TLSv1.3"));
});

testWith(["openssl"], "tls-auth-clients decides which clients are served", async () => {
  await using made = await Certificates.create();
  const expected = {
    yes: ["+PONG\r\n", "", ""],
    optional: ["+PONG\r\n", "+PONG\r\n", ""],
    no: ["+PONG\r\n", "+PONG\r\n", "+PONG\r\n"],
  } as const;
  using server = serveTls(made);
  for (const [value, replies] of Object.entries(expected)) {
    assertEquals(server.run("CONFIG", "SET", "tls-auth-clients", value), "OK");
    const seen = [await ping(server, made, "client"), await ping(server, made)];
    seen.push(await ping(server, made, "stranger"));
    assertEquals(seen, [...replies], value);
  }
  await server.server.close();
});

testWith(["openssl"], "a new certificate is taken at run time, a bad one is not", async () => {
  await using made = await Certificates.create();
  using server = serveTls(made, { tlsAuthClients: "no" });
  assertEquals(await ping(server, made), "+PONG\r\n");
  const refusal = server.raw("CONFIG", "SET", "tls-cert-file", made.path("client.crt"));
  assertEquals(
    refusal,
    "-ERR CONFIG SET failed (possibly related to argument 'tls-cert-file') - " +
      "Unable to update TLS configuration. Check server logs.\r\n",
  );
  assertEquals(server.server.config.tlsCertFile, made.path("server.crt"));
  assertEquals(await ping(server, made), "+PONG\r\n");
  // The same names with other content, as after a renewal.
  for (const ending of ["crt", "key"]) {
    await Deno.copyFile(made.path(`stranger.${ending}`), made.path(`server.${ending}`));
  }
  assertEquals(await ping(server, made), "+PONG\r\n");
  assertEquals(server.run("CONFIG", "SET", "tls-cert-file", made.path("server.crt")), "OK");
  await assertRejects(() => ping(server, made), Error, "invalid peer certificate");
  await server.server.close();
});

testWith(["openssl"], "tls-port can be opened, moved and closed at run time", async () => {
  await using made = await Certificates.create();
  using server = serveTls(made, { tlsAuthClients: "no" });
  const { config } = server.server;
  const old = config.tlsPort;
  const next = freePort();
  assertEquals(server.run("CONFIG", "SET", "tls-port", String(next)), "OK");
  assertEquals(await ping(server, made), "+PONG\r\n");
  await until("the old port is closed", () => isRefused(old));
  assertEquals(server.run("CONFIG", "SET", "tls-port", "0"), "OK");
  await until("the port is closed", () => isRefused(next));
  await server.server.close();
});

testWith(["openssl"], "garbage on the TLS port harms nobody", async () => {
  await using made = await Certificates.create();
  using server = serveTls(made, { tlsAuthClients: "no" });
  const clients = server.server.clients.size;
  for (const text of ["PING\r\n", "\x16\x03\x01\xff\xffgarbage", "\0".repeat(70_000)]) {
    const socket = await Deno.connect({ port: server.server.config.tlsPort });
    await socket.write(latin1(text)).catch(() => {});
    await socket.closeWrite().catch(() => {});
    const target = new Uint8Array(1024);
    while ((await socket.read(target).catch(() => null)) !== null);
    socket.close();
  }
  assertEquals(server.server.clients.size, clients);
  assertEquals(await ping(server, made), "+PONG\r\n");
  await server.server.close();
});

testWith(
  ["openssl"],
  "who does not finish the handshake is closed, and counts as client",
  async () => {
    await using made = await Certificates.create();
    const layer = new TlsLayer(loadTlsSettings(tlsConfig(made)), { handshakeMsMax: 50 });
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    using silent = await Deno.connect({ port: listener.addr.port });
    const secured = layer.handshake(await listener.accept());
    assertEquals(layer.pendingCount, 1);
    await assertRejects(() => secured, Error, "TLS handshake timeout");
    assertEquals(await silent.read(new Uint8Array(1)), null);
    assertEquals(layer.pendingCount, 0);
  },
);

testWith(["openssl"], "certificates are parsed once, whatever clients do", async () => {
  await using made = await Certificates.create();
  await made.issue("old", { version: 1 });
  const layer = new TlsLayer(loadTlsSettings(tlsConfig(made)));
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const identity = (name: string) => {
    return name === "" ? {} : { cert: made.text(`${name}.crt`), key: made.text(`${name}.key`) };
  };
  // The client's side, and whether the server takes it.
  const good = async () => {
    const caCerts = [made.text("ca.crt")];
    const options = { hostname: "localhost", port, caCerts, ...identity("client") };
    (await Deno.connectTls(options)).close();
  };
  // Deno's own client does not even show a certificate of version 1.
  const withCertificate = async (name: string) => {
    const args = ["s_client", "-connect", `127.0.0.1:${port}`, "-CAfile", made.path("ca.crt")];
    if (name !== "") args.push("-cert", made.path(`${name}.crt`), "-key", made.path(`${name}.key`));
    await runTool("openssl", args, { anyExitCode: true });
  };
  const sending = async (text: string) => {
    const client = await Deno.connect({ port });
    if (text !== "") await client.write(latin1(text));
    client.close();
  };
  const failures: [() => Promise<void>, RegExp][] = [
    [() => withCertificate("stranger"), /client certificate refused: UNABLE_TO/],
    [() => withCertificate("old"), /client certificate refused: /],
    [() => withCertificate(""), /peer sent no certificates/],
    [() => sending("PING\r\n"), /wrong version number|corrupt message/],
    [() => sending("\x16\x03\x01\x02\0"), /connection closed|socket hang up/],
    [() => sending(""), /connection closed|socket hang up/],
  ];
  for (let round = 0; round < 3; round++) {
    for (const [act, reason] of failures) {
      const handshake = assertRejects(
        async () => await layer.handshake(await listener.accept()),
        Error,
      );
      const [error] = await Promise.all([handshake, act()]);
      assert(reason.test(error.message), error.message);
      const served = listener.accept().then((connection) => layer.handshake(connection));
      const [socket] = await Promise.all([served, good()]);
      socket.close();
    }
  }
  assertEquals(layer.parseCount, 1);
});

testWith(["openssl"], "large requests and replies go over TLS unharmed", async () => {
  await using made = await Certificates.create();
  using server = serveTls(made, { tlsAuthClients: "no" });
  const port = server.server.config.tlsPort;
  const caCerts = [made.text("ca.crt")];
  using connection = await Deno.connectTls({ hostname: "localhost", port, caCerts });
  const value = Uint8Array.from({ length: 3_000_001 }, (_, index) => index * 31 >> 3);
  const writer = connection.writable.getWriter();
  await writer.write(latin1(`*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$${value.length}\r\n`));
  await writer.write(value);
  const expected = `+OK\r\n$${value.length}\r\n${fromLatin1(value)}\r\n+PONG\r\n`;
  await writer.write(latin1("\r\nGET k\r\nPING\r\n"));
  const received = new Uint8Array(expected.length);
  for (let at = 0; at < received.length;) {
    const count = await connection.read(received.subarray(at));
    assert(count !== null, `closed after ${at} bytes`);
    at += count;
  }
  assert(fromLatin1(received) === expected, "the bytes that came back differ");
  await server.server.close();
});

testWith(["openssl"], "a runtime without node's TLS server says what it cannot do", async () => {
  await using made = await Certificates.create();
  const layerWith = (changes: Partial<Config>, handshakeMsMax = 10_000) => {
    const settings = loadTlsSettings(tlsConfig(made, changes));
    return new TlsLayer(settings, { isByRuntime: true, handshakeMsMax });
  };
  assertThrows(() => layerWith({}), TlsConfigError, "Cannot check client certificates");
  const restricted = { tlsAuthClients: "no", tlsProtocols: "TLSv1.3" } as const;
  assertThrows(() => layerWith(restricted), TlsConfigError, "Cannot choose tls-protocols");
  const layer = layerWith({ tlsAuthClients: "no" });
  using listener = layer.listen({ hostname: "127.0.0.1", port: 0 });
  const port = (listener.addr as Deno.NetAddr).port;
  const caCerts = [made.text("ca.crt")];
  using client = await Deno.connectTls({ hostname: "localhost", port, caCerts });
  const [socket] = await Promise.all([
    listener.accept().then((accepted) => layer.handshake(accepted)),
    client.write(latin1("hello")),
  ]);
  assertEquals(await socket.read(new Uint8Array(8)), 5);
  socket.close();
  const impatient = layerWith({ tlsAuthClients: "no" }, 50);
  const silent = await Deno.connect({ port });
  const late = listener.accept().then((accepted) => impatient.handshake(accepted));
  await assertRejects(() => late, Error, "TLS handshake timeout");
  assertEquals(impatient.pendingCount, 0);
  silent.close();
});

testWith(
  ["openssl", "linux"],
  "with TLS alone a script is ended by its limits: nobody could be heard who kills it",
  async () => {
    await using made = await Certificates.create();
    const port = freePort();
    const tls = ["cert-file", "server.crt", "key-file", "server.key", "ca-cert-file", "ca.crt"];
    const args = ["--tls-port", String(port), "--tls-auth-clients", "no", "--transport", "epoll"];
    for (let index = 0; index < tls.length; index += 2) {
      args.push(`--tls-${tls[index]}`, made.path(tls[index + 1]!));
    }
    await using server = await startServer({ args: [...args, "--busy-reply-threshold", "50"] });
    {
      using plain = await server.connect();
      await plain.expect("CONFIG", "SET", "port", "0");
    }
    const caCerts = [made.text("ca.crt")];
    const connection = await Deno.connectTls({ hostname: "localhost", port, caCerts });
    await connection.write(latin1("*3\r\n$4\r\nEVAL\r\n$17\r\nwhile true do end\r\n$1\r\n0\r\n"));
    const target = new Uint8Array(256);
    const count = await connection.read(target);
    const reply = fromLatin1(target.subarray(0, count ?? 0));
    assertStringIncludes(reply, "-ERR Error running script: ended after 50 milliseconds");
    connection.close();
  },
);
