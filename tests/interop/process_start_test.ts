/**
 * Starts that must fail, at the original and at us: the same exit code, and the sentence of the
 * original that tells the operator why (what stands around it is worded differently).
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  freePort,
  runToEnd,
  type ServerTarget,
  TemporaryDirectory,
} from "../support/server_process.ts";
import { testWith } from "../support/tool_availability.ts";

interface Failure {
  name: string;
  args: (directory: string) => string[];
  /** What both say. */
  says: string;
  /** Prepares the directory. */
  prepare?: (directory: string) => void;
}

const FAILURES: readonly Failure[] = [
  { name: "an unknown directive", args: () => ["--nosuch", "1"], says: `>>> 'nosuch "1"'` },
  {
    name: "a value of the wrong kind",
    args: () => ["--port", "abc"],
    says: "argument couldn't be parsed into an integer",
  },
  {
    name: "a missing file of configuration",
    args: (directory) => [`${directory}/nosuch.conf`],
    says: "Fatal error, can't open config file '",
  },
  {
    name: "a wrong line of the file",
    args: (directory) => [`${directory}/some.conf`],
    prepare: (directory) => Deno.writeTextFileSync(`${directory}/some.conf`, "maxmemory 5x\n"),
    says: "argument must be a memory value",
  },
  {
    name: "a working directory that is not there",
    args: (directory) => ["--dir", `${directory}/nosuch`],
    says: "No such file or directory",
  },
  {
    name: "a log that cannot be written",
    args: (directory) => ["--logfile", `${directory}/nosuch/log`],
    says: "Can't open the log file: No such file or directory",
  },
  {
    name: "an address of another machine",
    args: () => ["--port", String(freePort()), "--bind", "192.0.2.1"],
    says: "bind: Cannot assign requested address",
  },
  {
    name: "no port and no socket",
    args: () => ["--port", "0"],
    says: " listen",
  },
  {
    name: "a unix socket in no directory",
    args: (directory) => ["--port", "0", "--unixsocket", `${directory}/nosuch/socket`],
    says: "bind: No such file or directory",
  },
  {
    name: "a missing file of users",
    args: (directory) => ["--port", String(freePort()), "--aclfile", `${directory}/nosuch`],
    says: "Aborting Redis startup because of ACL errors",
  },
  {
    name: "a dump that is none",
    args: (directory) => ["--port", String(freePort()), "--dir", directory],
    prepare: (directory) => Deno.writeTextFileSync(`${directory}/dump.rdb`, "no dump at all"),
    says: "rong signature",
  },
];

testWith(
  ["redis-server", "linux"],
  "a start that fails says why and exits with 1",
  async (context) => {
    for (const failure of FAILURES) {
      await context.step(failure.name, async () => {
        for (const target of ["redis", "redeno"] as ServerTarget[]) {
          await using directory = await TemporaryDirectory.create();
          failure.prepare?.(directory.path);
          const { code, output } = await runToEnd(target, failure.args(directory.path));
          assertStringIncludes(output, failure.says);
          assertEquals(code, 1, target);
        }
      });
    }
  },
);

testWith(["redis-server", "linux"], "a port in use is named in the log", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  for (const target of ["redis", "redeno"] as ServerTarget[]) {
    const args = ["--port", String(port), "--bind", "127.0.0.1"];
    const { code, output } = await runToEnd(target, args);
    const socket = `listening socket 127.0.0.1:${port}: bind: Address already in use\n`;
    assertStringIncludes(output, socket);
    assertStringIncludes(output, `Failed listening on port ${port} (TCP), aborting.`);
    assertEquals(code, 1, target);
  }
});
