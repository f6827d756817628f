/**
 * check-rdb and check-aof beside redis-check-rdb and redis-check-aof: the same verdict on good, cut
 * and damaged files, and the same end of what is good.
 */
import { assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { checkAofMain } from "../../src/persistence/check_aof.ts";
import { checkRdbMain } from "../../src/persistence/check_rdb.ts";
import { DiskFileSystem } from "../../src/persistence/file_system.ts";
import { fillDataset } from "../support/dataset.ts";
import { startRedis } from "../support/redis_process.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import {
  launchCommand,
  runToEnd,
  startServer,
  TemporaryDirectory,
} from "../support/server_process.ts";
import { delay, fromLatin1 } from "../support/text.ts";
import { runTool, testWith } from "../support/tool_availability.ts";

const files = new DiskFileSystem();
const ROOT = fromFileUrl(new URL("../../", import.meta.url));
const SEED = 20240607;
const SMALL = { plainKeyCount: 20, largeBytes: 3000 };

interface Verdict {
  code: number;
  output: string;
}

function oursOnRdb(path: string): Verdict {
  let output = "";
  const print = (line: string) => {
    output += `${line}\n`;
  };
  return { code: checkRdbMain(files, [path], print, print), output };
}

function oursOnAof(args: string[]): Verdict {
  let output = "";
  const print = (text: string) => {
    output += text;
  };
  return { code: checkAofMain(args, { files, print, confirm: () => true }), output };
}

async function theirs(tool: string, args: string[]): Promise<Verdict> {
  const { code, stdout } = await runTool(tool, args, { anyExitCode: true, stdin: "y\n" });
  return { code, output: stdout };
}

/** The numbers that both tools print about a file. */
function counts(output: string): string[] {
  return output.match(/\[info\] .*|(size|ok_up_to|diff)=\d+/g) ?? [];
}

/** Copies of a file: cut at random places, and with a random byte damaged. */
function variants(content: Uint8Array, random: SeededRandom, count: number): Uint8Array[] {
  const all: Uint8Array[] = [];
  for (let index = 0; index < count; index++) {
    all.push(content.subarray(0, random.between(1, content.length - 1)));
    const damaged = content.slice();
    damaged[random.below(damaged.length)] ^= 1 << random.below(8);
    all.push(damaged);
  }
  return all;
}

testWith(
  ["redis-server", "redis-check-rdb"],
  "check-rdb and redis-check-rdb agree on files of both servers, good, cut and damaged",
  async () => {
    const random = new SeededRandom(SEED);
    for (const start of [startServer, startRedis]) {
      await using directory = await TemporaryDirectory.create();
      {
        await using server = await start({ directory: directory.path });
        using client = await server.connect();
        await fillDataset(client, SMALL);
        await client.expect("SAVE");
      }
      const path = join(directory.path, "dump.rdb");
      const good = [oursOnRdb(path), await theirs("redis-check-rdb", [path])];
      assertEquals(good.map(({ code }) => code), [0, 0], good[0].output);
      assertEquals(good[0].output, good[1].output);
      const content = await Deno.readFile(path);
      for (const variant of variants(content, random, 40)) {
        await Deno.writeFile(path, variant);
        const [our, their] = [oursOnRdb(path), await theirs("redis-check-rdb", [path])];
        assertEquals([our.code, their.code], [1, 1], `${our.output}\n${their.output}`);
      }
    }
  },
);

testWith(
  ["redis-server", "redis-check-aof"],
  "check-aof and redis-check-aof agree on good, cut and damaged files, and fix them alike",
  async () => {
    const random = new SeededRandom(SEED);
    await using directory = await TemporaryDirectory.create();
    const args = ["--appendonly", "yes", "--aof-timestamp-enabled", "yes"];
    {
      await using server = await startServer({ directory: directory.path, args });
      using client = await server.connect();
      await fillDataset(client, { plainKeyCount: 20, largeBytes: 2000 });
      await client.callMany([["MULTI"], ["SET", "a", "1"], ["RPUSH", "l", "x"], ["EXEC"]]);
      await server.stop();
    }
    const aof = join(directory.path, "appendonlydir");
    const manifest = join(aof, "appendonly.aof.manifest");
    const path = join(aof, "appendonly.aof.1.incr.aof");
    for (const each of [manifest, path, join(aof, "appendonly.aof.1.base.rdb")]) {
      const [our, their] = [oursOnAof([each]), await theirs("redis-check-aof", [each])];
      assertEquals([our.code, their.code], [0, 0], our.output);
      assertEquals(counts(our.output), counts(their.output));
    }
    const content = await Deno.readFile(path);
    for (const variant of variants(content, random, 40)) {
      await Deno.writeFile(path, variant);
      const [our, their] = [oursOnAof([path]), await theirs("redis-check-aof", [path])];
      const both = `${our.output}\n${their.output}`;
      assertEquals([our.code, ...counts(our.output)], [their.code, ...counts(their.output)], both);
      assertEquals(oursOnAof(["--fix", manifest]).code, 0);
      const fixed = await Deno.readFile(path);
      await Deno.writeFile(path, variant);
      assertEquals((await theirs("redis-check-aof", ["--fix", manifest])).code, 0);
      assertEquals(fixed, await Deno.readFile(path));
      assertEquals((await theirs("redis-check-aof", [path])).code, 0);
    }
  },
);

testWith(
  ["redis-server", "redis-check-aof"],
  "check-aof and redis-check-aof cut our annotated file alike at any timestamp",
  async () => {
    await using directory = await TemporaryDirectory.create();
    const args = ["--appendonly", "yes", "--aof-timestamp-enabled", "yes"];
    {
      await using server = await startServer({ directory: directory.path, args });
      using client = await server.connect();
      for (let second = 0; second < 4; second++) {
        await client.expect("SET", "second", second);
        await client.callMany([["MULTI"], ["INCR", "a"], ["RPUSH", "l", second], ["EXEC"]]);
        if (second < 3) await delay(1010);
      }
      await server.stop();
    }
    const aof = join(directory.path, "appendonlydir");
    const manifest = join(aof, "appendonly.aof.manifest");
    const path = join(aof, "appendonly.aof.1.incr.aof");
    const content = await Deno.readFile(path);
    const times = [...fromLatin1(content).matchAll(/^#TS:(\d+)\r$/gm)].map((found) =>
      Number(found[1])
    );
    assertEquals(times.length >= 4, true, `annotations: ${times}`);
    for (const time of [times[0] - 1, ...times, times.at(-1)! + 1]) {
      const cut = ["--truncate-to-timestamp", String(time), manifest];
      const our = oursOnAof(cut);
      const ourContent = await Deno.readFile(path);
      await Deno.writeFile(path, content);
      const their = await theirs("redis-check-aof", cut);
      assertEquals(our.code, their.code, `${time}: ${our.output}\n${their.output}`);
      assertEquals(ourContent, await Deno.readFile(path), String(time));
      await Deno.writeFile(path, content);
    }
  },
);

testWith([], "redeno check-rdb and check-aof end with the exit codes of the tools", async () => {
  await using directory = await TemporaryDirectory.create();
  const path = join(directory.path, "file");
  await Deno.writeTextFile(path, "*1\r\n$4\r\nPING\r\n*1\r\n");
  const rdb = await runToEnd("redeno", ["check-rdb", path]);
  assertEquals([rdb.code, rdb.output.includes("RDB ERROR DETECTED")], [1, true]);
  assertEquals((await runToEnd("redeno", ["check-aof", path])).code, 1);
  assertEquals((await runToEnd("redeno", ["check-aof", "--fix", path], "n\n")).code, 1);
  const fixed = await runToEnd("redeno", ["check-aof", "--fix", path], "y\n");
  assertEquals([fixed.code, await Deno.readTextFile(path)], [0, "*1\r\n$4\r\nPING\r\n"]);
  assertEquals((await runToEnd("redeno", ["check-aof", path])).code, 0);
});

testWith(["bash", "posix"], "a tool whose output nobody reads any more ends silently", async () => {
  await using directory = await TemporaryDirectory.create();
  const path = join(directory.path, "file");
  await Deno.writeTextFile(path, "*1\r\n$4\r\nPING\r\n");
  // The reader has ended before the tool begins.
  const script = 'exec 3> >(:); wait $!; "$@" >&3';
  for (const args of [["check-rdb", path], ["check-aof", path], ["--help"], ["--version"]]) {
    const command = [...launchCommand("redeno"), ...args];
    const { code, stderr } = await runTool("bash", ["-c", script, "bash", ...command], {
      anyExitCode: true,
      cwd: ROOT,
    });
    assertEquals([code, stderr], [141, ""], args[0]);
  }
});
