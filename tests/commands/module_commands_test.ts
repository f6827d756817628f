/** MODULE on a server that cannot load any. */
import { assertEquals } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";

Deno.test("there are no modules, and none can be loaded, even where it is allowed", () => {
  using refusing = new EmbeddedServer();
  using server = new EmbeddedServer([["enable-module-command", "yes"]]);
  assertEquals(server.run("MODULE", "LIST"), []);
  const loads = [["LOAD", "/x.so"], ["LOADEX", "/x.so", "CONFIG", "a", "b"]];
  for (const words of loads) {
    const expected = "-ERR Error loading the extension. Please check the server logs.\r\n";
    assertEquals(server.raw("MODULE", ...words), expected);
    assertEquals(refusing.raw("MODULE", ...words).startsWith("-ERR MODULE command not all"), true);
  }
  const unknown = "-ERR Error unloading module: no such module with that name\r\n";
  assertEquals(server.raw("MODULE", "UNLOAD", "x"), unknown);
  refusing.run("MULTI");
  refusing.run("MODULE", "UNLOAD", "x");
  assertEquals(refusing.raw("EXEC").startsWith("-EXECABORT"), true);
});
