/** BACKUP as clients meet it; what it does is in tests/durability/backup_test.ts. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { SimulatedFiles } from "../support/simulated_files.ts";

Deno.test("STATUS is a map in RESP3 and pairs in RESP2, all strings", () => {
  using server = new EmbeddedServer();
  assertEquals(
    server.raw("BACKUP", "STATUS"),
    "*8\r\n$5\r\nstate\r\n$4\r\nidle\r\n$5\r\nerror\r\n$0\r\n\r\n$10\r\nstart_time\r\n$1\r\n0\r\n" +
      "$8\r\nend_time\r\n$1\r\n0\r\n",
  );
  server.run("HELLO", "3");
  assert(server.raw("BACKUP", "STATUS").startsWith("%4\r\n"));
  assertEquals(server.raw("BACKUP", "LIST"), "*0\r\n");
});

Deno.test("every subcommand is for operators, is listed by HELP, and tells when it came", () => {
  using server = new EmbeddedServer([], { files: new SimulatedFiles() });
  const help = (server.run("BACKUP", "HELP") as string[]).join("\n");
  for (const name of ["start", "seal", "status", "list", "abort", "cleanup"]) {
    assertStringIncludes(help, name.toUpperCase());
    const [info] = server.run("COMMAND", "INFO", `backup|${name}`) as unknown[][];
    const text = JSON.stringify(info);
    assertStringIncludes(text, "@dangerous");
    const docs = JSON.stringify(server.run("COMMAND", "DOCS", `backup|${name}`));
    assertStringIncludes(docs, "8.10.0");
  }
  server.run("ACL", "SETUSER", "reader", "on", "nopass", "~*", "+@all", "-@admin");
  server.run("AUTH", "reader", "x");
  assertStringIncludes(String(server.run("BACKUP", "START")), "NOPERM");
});
