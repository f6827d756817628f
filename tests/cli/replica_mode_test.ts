/** Tests of src/cli/replica_mode.ts: how a snapshot comes, in whatever pieces. */
import { assertEquals, assertRejects } from "@std/assert";
import { parseOptions } from "../../src/cli/cli_options.ts";
import { CliExit } from "../../src/cli/cli_output.ts";
import { CliSession } from "../../src/cli/cli_session.ts";
import { followMaster, transferSnapshot } from "../../src/cli/replica_mode.ts";
import { RecordedOutput } from "../support/recorded_output.ts";
import { fromLatin1, latin1 } from "../support/text.ts";

const MARK = "0123456789abcdef0123456789abcdef01234567";

/** Plays a master that answers SYNC with `pieces`, each written when the one before has gone. */
async function play(
  pieces: readonly string[],
  args: readonly string[],
  body: (session: CliSession, output: RecordedOutput) => Promise<void>,
): Promise<string> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const playing = (async () => {
    using socket = await listener.accept();
    socket.setNoDelay(true);
    let heard = "";
    const buffer = new Uint8Array(4096);
    for (let replies = 0; !heard.endsWith("SYNC\r\n");) {
      const count = await socket.read(buffer);
      if (count === null) return heard;
      heard += fromLatin1(buffer.subarray(0, count));
      for (; replies < heard.split("REPLCONF").length - 1; replies++) {
        await socket.write(latin1(heard.includes("functions") ? "-ERR no\r\n" : "+OK\r\n"));
      }
    }
    for (const piece of pieces) await socket.write(latin1(piece));
    return heard;
  })();
  const output = new RecordedOutput();
  const session = new CliSession(parseOptions(["-p", `${listener.addr.port}`, ...args]), output);
  await session.connect();
  await body(session, output);
  session.connection!.close();
  return await playing;
}

async function fetchedFrom(pieces: readonly string[], before = ""): Promise<[string, string]> {
  const path = await Deno.makeTempFile();
  let errors = "";
  try {
    await Deno.writeTextFile(path, before);
    await play(pieces, ["--rdb", path], async (session, output) => {
      assertEquals(await transferSnapshot(session), 0);
      errors = output.errors.replace(path, "PATH");
    });
    return [fromLatin1(await Deno.readFile(path)), errors];
  } finally {
    await Deno.remove(path);
  }
}

const TOLD = "sending REPLCONF capa eof\nsending REPLCONF rdb-only 1\n";

Deno.test("a snapshot of known size is put into the file, and nothing of what was there stays", async () => {
  const [content, errors] = await fetchedFrom(
    ["\n", "\n$1", "1\r", "\nsnap", "shot of*1\r\n"],
    "x".repeat(100),
  );
  assertEquals(content, "snapshot of");
  const expected =
    "SYNC sent to master, writing 11 bytes to 'PATH'\nTransfer finished with success.\n";
  assertEquals(errors, TOLD + expected);
});

Deno.test("a snapshot with a mark ends before it, wherever the pieces end", async () => {
  const head = `$EOF:${MARK}\r\n`;
  const text = `snapshot${MARK.slice(0, 39)}x`;
  const whole = `${head}${text}${MARK}`;
  const expected =
    "SYNC sent to master, writing bytes of bulk transfer until EOF marker to 'PATH'\n" +
    `Transfer finished with success after ${text.length} bytes\n`;
  for (const size of [1, 7, 39, 40, 41, 1000]) {
    const pieces = whole.match(new RegExp(`.{1,${size}}`, "gs"))!;
    assertEquals(await fetchedFrom(pieces), [text, TOLD + expected]);
  }
});

Deno.test("a snapshot that cannot be had or ends too soon ends the client", async () => {
  const outcomes: [pieces: string[], error: string][] = [
    [["-NOMASTERLINK no\r\n"], "SYNC with master failed: -NOMASTERLINK no\n"],
    [["hello\r\n"], "Error reading bulk length while SYNCing\n"],
    [["\n"], "Error reading bulk length while SYNCing\n"],
    [["$10\r\nshort"], "I/O Error reading RDB payload from socket\n"],
    [[`$EOF:${MARK}\r\nshort${MARK.slice(1)}`], "I/O Error reading RDB payload from socket\n"],
  ];
  for (const [pieces, error] of outcomes) {
    await play(
      pieces,
      ["--rdb", Deno.build.os === "windows" ? "NUL" : "/dev/null"],
      async (session, output) => {
        await assertRejects(() => transferSnapshot(session), CliExit);
        assertEquals(output.errors.split("\n").at(-2), error.trim());
      },
    );
  }
});

Deno.test("functions alone are asked for, and nothing else taken", async () => {
  const heard = await play([], ["--functions-rdb", "file"], async (session, output) => {
    await assertRejects(() => transferSnapshot(session), CliExit);
    assertEquals(output.errors.split("\n").slice(-3), [
      "REPLCONF rdb-filter-only error: ERR no",
      "Failed requesting functions only RDB from server, aborting",
      "",
    ]);
  });
  assertEquals(heard.includes("SYNC"), false);
});

Deno.test("what follows the snapshot is printed as CSV", async () => {
  const stream = "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n" +
    '*1\r\n$4\r\nping\r\n*3\r\n$3\r\nset\r\n$1\r\n"\r\n$1\r\nv\r\n';
  for (const head of ["$4\r\nsnap", `$EOF:${MARK}\r\nsnap${MARK}`]) {
    const heard = await play([head + stream], ["--replica"], async (session, output) => {
      await assertRejects(() => followMaster(session), Error, "Server closed the connection");
      assertEquals(output.printed, '"SELECT","0"\n"ping"\n"set","\\"","v"\n');
      assertEquals(output.errors.includes("Logging commands from master.\n"), true);
    });
    assertEquals(heard.includes("rdb-filter-only\r\n$0\r\n\r\n"), true);
  }
});
