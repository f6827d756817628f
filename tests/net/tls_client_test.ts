/** Connections by TLS to another server: who is trusted, whatever his name is. */
import { assertEquals, assertRejects } from "@std/assert";
import { connectTls, type TlsClientSettings } from "../../src/net/tls_client.ts";
import { Certificates } from "../support/certificates.ts";
import { latin1 } from "../support/text.ts";
import { testWith } from "../support/tool_availability.ts";

testWith(["openssl"], "a server whose authority is ours is talked to, another is not", async () => {
  await using certificates = await Certificates.create();
  const [cert, key] = [certificates.text("server.crt"), certificates.text("server.key")];
  using listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert, key });
  const serving = (async () => {
    for await (const socket of listener) {
      const buffer = new Uint8Array(100);
      const count = await socket.read(buffer).catch(() => null);
      if (count !== null) await socket.write(buffer.subarray(0, count));
      socket.close();
    }
  })();
  const settings = (authority: string): TlsClientSettings => ({
    certificate: "",
    key: "",
    authorities: [certificates.text(authority)],
    minVersion: "TLSv1.2",
    maxVersion: "TLSv1.3",
  });
  const { port } = listener.addr;
  const socket = await connectTls(settings("ca.crt"), "127.0.0.1", port);
  await socket.write(latin1("echo"));
  const buffer = new Uint8Array(100);
  assertEquals(buffer.subarray(0, (await socket.read(buffer))!), latin1("echo"));
  socket.close();
  await assertRejects(() => connectTls(settings("stranger.crt"), "127.0.0.1", port));
  listener.close();
  await serving;
});
