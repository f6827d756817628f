/** Who may use DEBUG. */
import { assertEquals } from "@std/assert";
import { debugRefusal } from "../../src/execution/protected_commands.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";

Deno.test("enable-debug-command lets in nobody, local clients, or all", () => {
  for (
    const [setting, isLocalAllowed, isOtherAllowed] of [
      ["no", false, false],
      ["local", true, false],
      ["yes", true, true],
    ] as const
  ) {
    using server = new EmbeddedServer([["enable-debug-command", setting]]);
    const { client } = server.client;
    assertEquals(debugRefusal(client) === null, isLocalAllowed, setting);
    server.server.isLocal = () => false;
    assertEquals(debugRefusal(client) === null, isOtherAllowed, setting);
  }
});
