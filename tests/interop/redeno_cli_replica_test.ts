/**
 * `redeno cli --rdb`, `--functions-rdb` and `--replica` beside redis-cli 7.0.15, with redis-server
 * and with Redeno as the master: what is said, what is in the file, and how it ends.
 */
import { assertEquals } from "@std/assert";
import {
  launchCommand,
  type ServerProcess,
  type ServerTarget,
  startServer,
  TemporaryDirectory,
} from "../support/server_process.ts";
import { fromUtf8 } from "../support/text.ts";
import { runTool, testWith } from "../support/tool_availability.ts";

const TOOLS = ["redis-server", "redis-cli", "redis-check-rdb"] as const;
const PROGRAMS: readonly (readonly string[])[] = [
  ["redis-cli"],
  [...launchCommand("redeno"), "cli"],
];

/** Sizes differ by the digits of a time. */
function withoutSizes(text: string): string {
  return text.replaceAll(/\d+ bytes/g, "N bytes");
}

async function startMaster(target: ServerTarget, isDiskless: boolean): Promise<ServerProcess> {
  const master = await startServer({
    target,
    args: ["--repl-diskless-sync", isDiskless ? "yes" : "no", "--repl-diskless-sync-delay", "0"],
  });
  using client = await master.connect();
  const library = "#!lua name=lib\nredis.register_function('f', function() return 1 end)";
  await client.expectMany([["SET", "k", "v"], ["FUNCTION", "LOAD", library]]);
  return master;
}

const MASTERS: [target: ServerTarget, isDiskless: boolean, kind: string][] = [
  ["redis", true, "that redis-server sends without a disk"],
  ["redis", false, "that redis-server sends by way of a disk"],
  ["redeno", true, "that Redeno sends without a disk"],
  ["redeno", false, "that Redeno sends by way of a disk"],
];

for (const [target, isDiskless, kind] of MASTERS) {
  testWith(
    TOOLS,
    `a snapshot ${kind} is fetched as redis-cli does`,
    async () => {
      await using master = await startMaster(target, isDiskless);
      await using directory = await TemporaryDirectory.create();
      const path = `${directory.path}/fetched.rdb`;
      const port = String(master.port);
      const fetch = async (
        [program, ...leading]: readonly string[],
        option: string,
        file: string,
      ) => {
        const args = [...leading, "-p", port, option, file];
        const { code, stdout, stderr } = await runTool(program, args, { anyExitCode: true });
        return [code, stdout, withoutSizes(stderr)];
      };
      for (const [option, keys] of [["--rdb", "1"], ["--functions-rdb", "0"]]) {
        const [theirs, ours] = [
          await fetch(PROGRAMS[0], option, path),
          await fetch(PROGRAMS[1], option, path),
        ];
        assertEquals(ours, theirs);
        const { stdout } = await runTool("redis-check-rdb", [path]);
        assertEquals(/\[info\] (\d+) keys read/.exec(stdout)?.[1], keys);
        assertEquals(/\[info\] (\d+) functions/.exec(stdout)?.[1] ?? "1", "1");
      }
      const missing = `${directory.path}/none/fetched.rdb`;
      assertEquals(
        await fetch(PROGRAMS[1], "--rdb", missing),
        await fetch(PROGRAMS[0], "--rdb", missing),
      );
    },
  );

  testWith(TOOLS, `commands after a snapshot ${kind} are printed as redis-cli does`, async () => {
    await using master = await startMaster(target, isDiskless);
    using client = await master.connect();
    const follow = async ([program, ...leading]: readonly string[]) => {
      const child = new Deno.Command(program, {
        args: [...leading, "-p", String(master.port), "--replica"],
        cwd: new URL("../../", import.meta.url),
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      let [printed, errors] = ["", ""];
      const reading = (async () => {
        for await (const chunk of child.stderr) errors += fromUtf8(chunk);
      })();
      // A replica is online when commands reach it: they are sent until one does.
      let isHeard = false;
      const writing = (async () => {
        while (!isHeard) {
          await client.expect("SET", "k", 'a "quoted"\r\n');
          await client.expect("WAIT", 0, 50);
        }
      })();
      for await (const chunk of child.stdout) {
        printed += fromUtf8(chunk);
        if (!/"SET".*\n/.test(printed) || isHeard) continue;
        isHeard = true;
        await writing;
        await client.expect("CLIENT", "KILL", "TYPE", "replica");
      }
      await reading;
      const { code } = await child.status;
      const lines = [
        ...new Set(printed.split("\n").filter((line) => !/^"(ping|SELECT)"/.test(line))),
      ];
      return [code, lines, withoutSizes(errors)];
    };
    assertEquals(await follow(PROGRAMS[1]), await follow(PROGRAMS[0]));
  });
}
