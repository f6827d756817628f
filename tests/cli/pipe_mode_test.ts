/** Tests of src/cli/pipe_mode.ts. */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { CliConnection } from "../../src/cli/cli_connection.ts";
import { parseOptions } from "../../src/cli/cli_options.ts";
import { CliExit } from "../../src/cli/cli_output.ts";
import { pipe } from "../../src/cli/pipe_mode.ts";
import { EmbeddedListener } from "../support/embedded_listener.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { RecordedOutput } from "../support/recorded_output.ts";
import { utf8 } from "../support/text.ts";

const DONE =
  "All data transferred. Waiting for the last reply...\nLast reply received from server.\n";

/** Chunks of 1,000 bytes of the text. */
function inputOf(text: string): { read(): Promise<Uint8Array | null> } {
  const bytes = utf8(text);
  let at = 0;
  return {
    read: () => Promise.resolve(at >= bytes.length ? null : bytes.subarray(at, at += 1000)),
  };
}

async function piped(text: string): Promise<{ code: number; output: RecordedOutput; n: unknown }> {
  using server = new EmbeddedServer();
  await using listener = new EmbeddedListener(server);
  const connection = await CliConnection.open(parseOptions(["-p", String(listener.port)]));
  const output = new RecordedOutput();
  const code = await pipe(inputOf(text), connection, output, 30);
  connection.close();
  return { code, output, n: server.run("GET", "n") };
}

Deno.test("every request is sent and every reply counted, but for our own", async () => {
  const { code, output, n } = await piped("*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n".repeat(5000));
  assertEquals([code, n], [0, "5000"]);
  assertEquals(output.printed, `${DONE}errors: 0, replies: 5000\n`);
});

Deno.test("errors are printed and counted, and are the exit code", async () => {
  const { code, output } = await piped(
    "SET a 1\r\nLPUSH a 1\r\nECHO 01234567890123456789\r\nGET\r\n",
  );
  assertEquals(code, 1);
  assertEquals(output.printed, `${DONE}errors: 2, replies: 4\n`);
  assertStringIncludes(output.errors, "WRONGTYPE Operation");
  assertStringIncludes(output.errors, "ERR wrong number of arguments for 'get' command\n");
});

Deno.test("no input is no request", async () => {
  const { code, output } = await piped("");
  assertEquals(code, 0);
  assertEquals(output.printed, `${DONE}errors: 0, replies: 0\n`);
});

Deno.test("a connection that breaks ends the transfer", async () => {
  using server = new EmbeddedServer();
  await using listener = new EmbeddedListener(server);
  const connection = await CliConnection.open(parseOptions(["-p", String(listener.port)]));
  await connection.call("PING");
  listener.drop();
  const exit = await assertRejects(
    () => pipe(inputOf("PING\r\n"), connection, new RecordedOutput(), 30),
    CliExit,
  );
  assertEquals(exit.code, 1);
  connection.close();
});
