/** Shutdown: what is saved first, and when the server stays because it cannot be saved. */
import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { shutdownOptions } from "../../src/durability/shutdown.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { startServer, TemporaryDirectory } from "../support/server_process.ts";
import { type Errno, SimulatedFiles } from "../support/simulated_files.ts";
import { until } from "../support/text.ts";
import { missingReason, testUnless } from "../support/tool_availability.ts";

/** A server on a simulated disk that counts how often it would have ended. */
function scene(
  savePoints: string,
): { server: EmbeddedServer; files: SimulatedFiles; exits: number[] } {
  const files = new SimulatedFiles();
  const exits: number[] = [];
  const exit = ((code: number) => void exits.push(code)) as (code: number) => never;
  const server = new EmbeddedServer([["save", savePoints]], { files, exit });
  server.server.log.open(Deno.build.os === "windows" ? "NUL" : "/dev/null");
  server.server.config.dir = "/data";
  server.run("SET", "key", "value");
  return { server, files, exits };
}

function hasDump(files: SimulatedFiles): boolean {
  return files.list("/data").includes("dump.rdb");
}

Deno.test("words become options", () => {
  assertEquals(shutdownOptions([]), { save: "default", isForced: false, isNow: false });
  assertEquals(shutdownOptions(["save", "force"]), {
    save: "always",
    isForced: true,
    isNow: false,
  });
  assertEquals(shutdownOptions(["nosave", "now"]), { save: "never", isForced: false, isNow: true });
});

for (
  const [savePoints, words, isSaved] of [
    ["900 1", [], true],
    ["900 1", ["nosave"], false],
    ["", [], false],
    ["", ["save"], true],
  ] as const
) {
  Deno.test(`save "${savePoints}" and SHUTDOWN ${words}: ${isSaved ? "" : "not "}saved`, () => {
    const { server, files, exits } = scene(savePoints);
    using _ = server;
    assertEquals(server.server.process.shutdown(shutdownOptions(words)), "ends");
    assertEquals([exits, hasDump(files)], [[0], isSaved]);
  });
}

Deno.test("a server that cannot save stays, unless it is forced", () => {
  const { server, files, exits } = scene("900 1");
  using _ = server;
  files.failure = (name): Errno | null => name === "write" ? "ENOSPC" : null;
  assertEquals([server.server.process.shutdown(shutdownOptions([])), exits], ["refused", []]);
  assertEquals(server.run("GET", "key"), "value");
  assertEquals([server.server.process.shutdown(shutdownOptions(["force"])), exits], ["ends", [0]]);
  assertEquals(hasDump(files), false);
});

Deno.test("while loading nothing is saved over what is on disk", () => {
  const { server, files, exits } = scene("900 1");
  using _ = server;
  server.server.keyspace.isLoading = true;
  server.server.process.shutdown(shutdownOptions(["save"]));
  assertEquals([exits, hasDump(files)], [[0], false]);
});

testUnless(missingReason("posix"), {
  name: "process: a second SIGINT after one that could not save does not end without saving",
  fn: async () => {
    await using home = await TemporaryDirectory.create();
    const directory = join(home.path, "data");
    await Deno.mkdir(directory);
    await using server = await startServer({ directory, save: "3600 1" });
    using client = await server.connect();
    await client.expect("SET", "key", "value");
    await Deno.rename(directory, `${directory}.away`);
    for (let signal = 1; signal <= 3; signal++) {
      server.child.kill("SIGINT");
      await until(`the log tells of failure ${signal}`, () => {
        return server.log.split("does not end the server").length === signal + 1;
      });
      assertEquals(await client.call("GET", "key"), "value");
    }
    await Deno.rename(`${directory}.away`, directory);
    assertEquals(await server.stop("SIGINT"), 0);
    assertEquals((await Deno.stat(join(directory, "dump.rdb"))).isFile, true);
  },
});
