/** Help: the frame around the lines of a container's HELP. */
import { assertEquals } from "@std/assert";
import { replyHelp, wrongSubcommandArity } from "../../src/commands/help.ts";
import { Argv } from "../../src/protocol/argv.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { fromLatin1 } from "../support/text.ts";

Deno.test("the lines stand between usage and HELP itself, as status replies", () => {
  using server = new EmbeddedServer();
  const { client } = server.client;
  client.argv = Argv.of("oBject", "help");
  replyHelp(client, ["FREQ <key>", "    Return it."]);
  assertEquals(
    fromLatin1(client.reply.bytes.subarray(0, client.reply.length)),
    "*5\r\n+OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:\r\n" +
      "+FREQ <key>\r\n+    Return it.\r\n+HELP\r\n+    Prints this help.\r\n",
  );
});

Deno.test("a wrong number of arguments names the subcommand, cut after 128 bytes", () => {
  const { text } = wrongSubcommandArity(Argv.of("OBJECT", "x".repeat(130)));
  assertEquals(
    text,
    `ERR unknown subcommand or wrong number of arguments for '${"x".repeat(128)}'. ` +
      "Try OBJECT HELP.",
  );
});
