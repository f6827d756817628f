/** Who may use DEBUG, and load modules. */
import { assertEquals } from "@std/assert";
import { protectionRefusal } from "../../src/execution/protected_commands.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";

Deno.test("a setting lets in nobody, local clients, or all", () => {
  for (const protection of ["debug", "module"] as const) {
    for (
      const [setting, isLocalAllowed, isOtherAllowed] of [
        ["no", false, false],
        ["local", true, false],
        ["yes", true, true],
      ] as const
    ) {
      using server = new EmbeddedServer([[`enable-${protection}-command`, setting]]);
      const { client } = server.client;
      assertEquals(protectionRefusal(client, protection) === null, isLocalAllowed, setting);
      Object.defineProperty(client.transport, "peerAddress", { value: "192.0.2.1:1000" });
      assertEquals(protectionRefusal(client, protection) === null, isOtherAllowed, setting);
    }
  }
});
