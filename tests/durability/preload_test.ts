/** What `preload-file` loads, and that neither it nor what the server has saved is harmed. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { KeptLog } from "../crash/crash_run.ts";
import { saveToBytes } from "../persistence/keyspace_contents.ts";
import { STREAM_PAYLOADS } from "../persistence/stream_payloads.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { SimulatedFiles } from "../support/simulated_files.ts";
import { fromLatin1, latin1 } from "../support/text.ts";

function rdb(value: string): Uint8Array {
  using server = new EmbeddedServer();
  server.run("SET", "k", value);
  return saveToBytes(server);
}

const SET = (value: string) => `*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$${value.length}\r\n${value}\r\n`;

/** A server that has been started, with the value of "k" and its log. */
async function started(
  files: SimulatedFiles,
  ...directives: [string, string][]
): Promise<{ server: EmbeddedServer; log: KeptLog }> {
  files.syncsAtOnce = true;
  const log = new KeptLog();
  const server = new EmbeddedServer(directives, { files, log });
  server.server.config.dir = "/data";
  await server.server.persistence.loadAtStart();
  return { server, log };
}

function filesWith(...contents: [path: string, content: Uint8Array][]): SimulatedFiles {
  const files = new SimulatedFiles();
  for (const [path, content] of contents) files.put(path, content);
  return files;
}

Deno.test("an RDB file is loaded in the place of dump.rdb, with a warning for the next start", async () => {
  const files = filesWith(["/data/dump.rdb", rdb("own")], ["/safe/copy.rdb", rdb("preloaded")]);
  const { server, log } = await started(files, ["preload-file", "rdb:/safe/copy.rdb"]);
  using _ = server;
  assertEquals(server.run("GET", "k"), "preloaded");
  assert(log.lines.some((line) => line.includes("take it out before the next one")));
  assertEquals(files.content("/data/dump.rdb"), rdb("own"));
});

Deno.test("with an AOF the data become its new base; what was there stays on the disk", async () => {
  const own = "/data/appendonlydir/appendonly.aof.1.incr.aof";
  const files = filesWith(
    [own, latin1(SET("own"))],
    [
      "/data/appendonlydir/appendonly.aof.manifest",
      latin1("file appendonly.aof.1.incr.aof seq 1 type i\n"),
    ],
    ["/safe/copy.rdb", rdb("preloaded")],
  );
  const { server } = await started(
    files,
    ["appendonly", "yes"],
    ["preload-file", "rdb:/safe/copy.rdb"],
  );
  using _ = server;
  assertEquals(server.run("GET", "k"), "preloaded");
  server.run("APPEND", "k", "+");
  server.server.persistence.beforeReplies();
  assertEquals(fromLatin1(files.content(own)), SET("own"));
  const { server: next } = await started(files, ["appendonly", "yes"]);
  using __ = next;
  assertEquals(next.run("GET", "k"), "preloaded+");
});

Deno.test("a single AOF is loaded, whatever it begins with", async () => {
  const stream = fromLatin1(Uint8Array.fromHex(STREAM_PAYLOADS[27]));
  const newest = `REDIS0016\xf2\x07\x01\x01f\xfe\x00${stream[0]}\x01s${stream.slice(1)}` +
    `\x20\x01h\x07\x01v\xff${"\0".repeat(8)}`;
  const files = filesWith(["/data/copy.aof", latin1(newest + SET("later"))]);
  const { server } = await started(files, ["preload-file", "aof:copy.aof"]);
  using _ = server;
  assertEquals(server.run("GET", "k"), "later");
  assertEquals(server.run("XLEN", "s"), 3);
  assertEquals(server.run("HGETALL", "h"), ["f", "v"]);
});

Deno.test("what a crash has left at the end is read over, and not cut off a copy", async () => {
  const torn = SET("whole") + SET("torn").slice(0, -5);
  const files = filesWith(["/safe/copy.aof", latin1(torn)]);
  const { server, log } = await started(files, ["preload-file", "aof:/safe/copy.aof"]);
  using _ = server;
  assertEquals(server.run("GET", "k"), "whole");
  assertEquals(fromLatin1(files.content("/safe/copy.aof")), torn);
  assertEquals(files.paths(), ["/safe/copy.aof"]);
  assert(log.lines.some((line) => line.includes("the rest is left alone")));
});

Deno.test("a target that is missing, empty or damaged keeps the server from starting", async () => {
  const refused = async (target: string, ...contents: [string, Uint8Array][]) => {
    const files = filesWith(["/data/dump.rdb", rdb("own")], ...contents);
    const error = await assertRejects(() => started(files, ["preload-file", target]), Error);
    return error.message;
  };
  assertStringIncludes(await refused("rdb:/safe/x.rdb"), "No such file");
  assertStringIncludes(await refused("aof:/safe/x.aof"), "cannot be found");
  assertStringIncludes(await refused("aof:/safe/x.manifest"), "is missing");
  assertStringIncludes(
    await refused("aof:/safe/x.manifest", ["/safe/x.manifest", latin1("# none\n")]),
    "empty",
  );
  const listed = latin1("file x.1.incr.aof seq 1 type i\n");
  assertStringIncludes(
    await refused("aof:/safe/x.manifest", ["/safe/x.manifest", listed]),
    "cannot be found",
  );
  assertStringIncludes(
    await refused("rdb:/safe/x.rdb", ["/safe/x.rdb", rdb("cut").slice(0, -12)]),
    "Cannot load RDB file",
  );
});
