/**
 * Tests of src/cli/cli_*.ts: options, and a session with an embedded server. What is printed is
 * compared with redis-cli in interop/redeno_cli_test.
 */
import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { CliConnection, ConnectionError } from "../../src/cli/cli_connection.ts";
import { CLI_HELP_TEXT } from "../../src/cli/cli_help_text.ts";
import { CliInput } from "../../src/cli/cli_input.ts";
import {
  type CliOptions,
  CliUsageError,
  defaultOptions,
  parseOptions,
  wordBytes,
} from "../../src/cli/cli_options.ts";
import { CliExit } from "../../src/cli/cli_output.ts";
import { CliSession } from "../../src/cli/cli_session.ts";
import { EmbeddedListener } from "../support/embedded_listener.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { RecordedOutput } from "../support/recorded_output.ts";
import { fromUtf8, latin1, utf8 } from "../support/text.ts";

function changed(args: string): Partial<CliOptions> {
  const defaults: Record<string, unknown> = { ...defaultOptions() };
  const options = Object.entries(parseOptions(args === "" ? [] : args.split(" ")));
  return Object.fromEntries(
    options.filter(([name, value]) => JSON.stringify(defaults[name]) !== JSON.stringify(value)),
  );
}

Deno.test("options end at the first word without a dash", () => {
  assertEquals(changed(""), {});
  assertEquals(changed("-h other -p 70 get -h"), {
    host: "other",
    port: 70,
    words: ["get", "-h"],
  });
  assertEquals(changed("-r -1 -i 0.5 ping"), { repeat: -1, intervalMs: 500, words: ["ping"] });
});

Deno.test("a URI gives user, password, host, port and database", () => {
  assertEquals(changed("-u redis://u%40:p%3Aw@[::1]:7/3"), {
    user: "u@",
    password: "p:w",
    host: "::1",
    port: 7,
    database: 3,
  });
  assertEquals(changed("-u rediss://secret@host"), { tls: true, password: "secret", host: "host" });
  assertEquals(changed("-u redis://"), {});
  for (const uri of ["http://x", "redis://%zz@x", "redis"]) {
    assertThrows(() => changed(`-u ${uri}`), CliUsageError);
  }
});

Deno.test("JSON asks for RESP3, unless told not to", () => {
  assertEquals(changed("--json"), { output: "json", protocol: "try3" });
  assertEquals(changed("-3 --json"), { output: "json", protocol: 3 });
  assertEquals(changed("--json -2"), { output: "json" });
  assertThrows(() => changed("-2 -3"), CliUsageError, "mutually exclusive");
});

Deno.test("every option of the help text is known", () => {
  const names = [...CLI_HELP_TEXT.matchAll(/^ {2}(-\S+)/gm)].map((match) => match[1]!);
  assertEquals(names.length > 40, true);
  for (const name of names) {
    const isKnown = [[name], [name, "1"], [name, "redis://x"], [name, "y"], [name, '"x"']].some(
      (args) => {
        try {
          parseOptions(args);
          return true;
        } catch (error) {
          if (error instanceof CliUsageError) return false;
          throw error;
        }
      },
    );
    assertEquals(isKnown, true, name);
  }
});

Deno.test("quoted words are resolved, and must be one word", () => {
  assertEquals(wordBytes('"a\\x00 b"', true), latin1("a\0 b"));
  assertEquals(wordBytes('"a\\x00 b"', false), utf8('"a\\x00 b"'));
  for (const word of ['"a', "a b", ""]) assertEquals(wordBytes(word, true), null);
});

function inputOf(...chunks: string[]): CliInput {
  return new CliInput({
    read(target) {
      const chunk = chunks.shift();
      if (chunk === undefined) return Promise.resolve(null);
      target.set(utf8(chunk));
      return Promise.resolve(utf8(chunk).length);
    },
    isTerminal: () => false,
    setRaw: () => {},
  });
}

Deno.test("input is read by lines and by chunks, and nothing of it is lost", async () => {
  const input = inputOf("one\ntw", "o\r\n", "three\nrest", " more");
  const line = async () => fromUtf8((await input.readLine())!);
  assertEquals([await line(), await line(), await line()], ["one", "two", "three"]);
  input.unread(utf8("the "));
  assertEquals(fromUtf8(await input.readAll()), "the rest more");
  assertEquals([await input.readLine(), await input.read()], [null, null]);
  assertEquals(await inputOf("last").readLine(), utf8("last"));
});

async function withSession(
  args: string,
  body: (session: CliSession, output: RecordedOutput, listener: EmbeddedListener) => Promise<void>,
): Promise<void> {
  using server = new EmbeddedServer();
  await using listener = new EmbeddedListener(server);
  const output = new RecordedOutput();
  const session = new CliSession(
    parseOptions(`-p ${listener.port} ${args}`.trim().split(" ")),
    output,
  );
  try {
    await body(session, output, listener);
  } finally {
    session.connection?.close();
  }
}

function issue(session: CliSession, line: string, repeat = 1): Promise<boolean> {
  return session.issue(line.split(" ").map(utf8), repeat);
}

Deno.test("the prompt tells host, database and transaction", async () => {
  await withSession("-n 1", async (session, _, listener) => {
    const start = `127.0.0.1:${listener.port}`;
    assertEquals(session.prompt, "not connected> ");
    await session.connect();
    const prompts = [session.prompt];
    const commands = [
      "multi",
      "select 2",
      "discard",
      "select 3",
      "multi",
      "exec",
      "select 99",
      "reset",
    ];
    for (const command of commands) {
      await issue(session, command);
      prompts.push(session.prompt);
    }
    assertEquals(prompts.map((prompt) => prompt.replace(start, "")), [
      "[1]> ",
      "[1](TX)> ",
      "[2](TX)> ",
      "[1]> ",
      "[3]> ",
      "[3](TX)> ",
      "[3]> ",
      "[3]> ",
      "> ",
    ]);
  });
});

Deno.test("repetitions print each reply, and texts for people are printed bare", async () => {
  await withSession("--no-raw", async (session, output) => {
    await issue(session, "incr n", 3);
    assertEquals(output.take(), "(integer) 1\n(integer) 2\n(integer) 3\n");
    await issue(session, "INFO server");
    assertStringIncludes(output.take(), "# Server\r\n");
    await issue(session, "latency doctor");
    assertEquals(output.take().startsWith('"'), false);
    await issue(session, "client kill");
    assertStringIncludes(output.take(), "(error) ERR wrong number");
  });
});

Deno.test("a lost connection is told, and made anew with its database", async () => {
  await withSession("-n 4", async (session, output, listener) => {
    session.isInteractive = true;
    assertEquals(await issue(session, "select 5"), true);
    listener.drop();
    assertEquals(await issue(session, "ping"), false);
    assertStringIncludes(output.errors, "Error: ");
    assertEquals(session.prompt, "not connected> ");
    output.take();
    assertEquals(await issue(session, "ping"), true);
    assertEquals(output.take(), "PONG\n");
    assertStringIncludes(session.prompt, "[5]> ");
  });
});

Deno.test("without a person there, a lost connection ends the program", async () => {
  await withSession("", async (session, _, listener) => {
    await session.connect();
    listener.drop();
    const exit = await assertRejects(() => issue(session, "ping"), CliExit);
    assertEquals(exit.code, 1);
  });
});

Deno.test("pushes are printed only if wanted, before the reply they come with", async () => {
  for (const wish of ["yes", "no"]) {
    await withSession(`-3 --no-raw --show-pushes ${wish}`, async (session, output, listener) => {
      await issue(session, "client tracking on bcast");
      const other = await CliConnection.open(parseOptions(["-p", String(listener.port)]));
      await other.call("SET", "key", "1");
      other.close();
      await issue(session, "ping");
      const note = wish === "yes" ? "-> invalidate: 'key'\n" : "";
      assertEquals(output.take(), `OK\n${note}PONG\n`);
    });
  }
});

Deno.test("messages are listened to until that is aborted; then commands go on", async () => {
  await withSession("--no-raw", async (session, output, listener) => {
    session.isInteractive = true;
    assertEquals(session.abortListening(), false);
    await session.connect();
    const listening = issue(session, "subscribe ch");
    const other = await CliConnection.open(parseOptions(["-p", String(listener.port)]));
    while (!output.printed.includes('"hi"')) await other.call("PUBLISH", "ch", "hi");
    other.close();
    assertEquals(session.abortListening(), true);
    assertEquals(await listening, true);
    assertStringIncludes(output.take(), '1) "message"\n2) "ch"\n3) "hi"\n');
    await issue(session, "ping");
    assertEquals(output.take(), "PONG\n");
  });
});

Deno.test("unsubscribing in RESP3 is answered by a push", async () => {
  await withSession("-3 --no-raw", async (session, output) => {
    await issue(session, "unsubscribe ch");
    assertEquals(output.take(), '1) "unsubscribe"\n2) "ch"\n3) (integer) 0\n');
  });
});

Deno.test("a server that is not there is named, with the reason", async () => {
  const output = new RecordedOutput();
  const session = new CliSession(parseOptions(["-p", "1"]), output);
  assertEquals(await issue(session, "ping"), false);
  assertEquals(output.errors, "Could not connect to Redis at 127.0.0.1:1: Connection refused\n");
  await assertRejects(() => CliConnection.open(parseOptions(["-s", "/none"])), ConnectionError);
});
