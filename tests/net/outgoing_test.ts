/** Connections to other servers: by TCP, and by TLS, where the certificate decides. */
import { assertEquals, assertRejects } from "@std/assert";
import { Config } from "../../src/config/config.ts";
import type { Socket } from "../../src/net/runtime_carrier.ts";
import { connectByTls, connectPlainly } from "../../src/net/outgoing.ts";
import { Certificates } from "../support/certificates.ts";
import { freePort } from "../support/server_process.ts";
import { fromLatin1, latin1 } from "../support/text.ts";
import { testWith } from "../support/tool_availability.ts";

/** Sends bytes and returns what comes back first. */
async function exchange(socket: Socket, text: string): Promise<string> {
  const bytes = latin1(text);
  for (let at = 0; at < bytes.length;) at += await socket.write(bytes.subarray(at));
  const target = new Uint8Array(100);
  const count = await socket.read(target);
  return count === null ? "" : fromLatin1(target.subarray(0, count));
}

/** Answers the first bytes of a connection by the same bytes. */
async function echo(listener: Deno.Listener): Promise<void> {
  const connection = await listener.accept();
  const buffer = new Uint8Array(100);
  try {
    const count = await connection.read(buffer);
    if (count !== null) await connection.write(buffer.subarray(0, count));
    await connection.read(buffer);
  } catch {
    // The other side did not like what it saw.
  }
  connection.close();
}

Deno.test("bytes go both ways by TCP", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = echo(listener);
  const socket = await connectPlainly("127.0.0.1", listener.addr.port);
  assertEquals(await exchange(socket, "hello"), "hello");
  socket.close();
  await serving;
});

Deno.test("a server that is not there is an error of the system", async () => {
  await assertRejects(() => connectPlainly("127.0.0.1", freePort()), Error, "refused");
});

testWith(["openssl"], "by TLS, a server must show a certificate of our authority", async () => {
  await using certificates = await Certificates.create();
  const cases = [["server", "ca", true], ["stranger", "ca", false]] as const;
  for (const [shown, authority, isGood] of cases) {
    using listener = Deno.listenTls({
      hostname: "127.0.0.1",
      port: 0,
      cert: certificates.text(`${shown}.crt`),
      key: certificates.text(`${shown}.key`),
    });
    const serving = echo(listener);
    const config = new Config();
    config.setAtStart("tls-ca-cert-file", [certificates.path(`${authority}.crt`)]);
    const connecting = connectByTls(config, "127.0.0.1", listener.addr.port);
    if (isGood) {
      const socket = await connecting;
      assertEquals(await exchange(socket, "hello"), "hello");
      socket.close();
    } else {
      await assertRejects(() => connecting, Error);
    }
    await serving;
  }
});

Deno.test("settings that name no certificate are told, and nobody is connected to", async () => {
  const config = new Config();
  config.setAtStart("tls-ca-cert-file", ["/nosuch/ca.crt"]);
  await assertRejects(() => Promise.resolve().then(() => connectByTls(config, "127.0.0.1", 1)));
});
