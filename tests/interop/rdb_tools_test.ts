/**
 * Tools of others read our RDB files: rdb-py (in Rust, all versions) and rdbtools (the old one in
 * Python, up to version 9, which is what `rdb-version 9` is for). Both come from the Python package
 * index into a directory that goes with the tests; skipped where that cannot be reached.
 */
import { assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { fillDataset } from "../support/dataset.ts";
import { datasetDifferences, readDataset } from "../support/digest.ts";
import { pythonPackages } from "../support/python_packages.ts";
import type { RespClient } from "../support/resp_client.ts";
import { startServer } from "../support/server_process.ts";
import { concatBytes, fromLatin1, latin1, printLine, quoted, utf8 } from "../support/text.ts";

const PACKAGES = ["rdb-py==0.4.0", "rdbtools==0.1.15"];
const SMALL = { plainKeyCount: 50, largeBytes: 100_000 };

/** Declares a test that runs Python with the packages; it says so if they are missing. */
function testWithPackages(
  name: string,
  body: (python: (...args: string[]) => Promise<Uint8Array>) => Promise<void>,
): void {
  Deno.test(name, async () => {
    const path = await pythonPackages(PACKAGES);
    if (path === null) {
      printLine(`skipped: ${name}: ${PACKAGES.join(" and ")} cannot be fetched`);
      return;
    }
    await body(async (...args) => {
      const env = { PYTHONPATH: path };
      const output = await new Deno.Command("python3", { args, env }).output();
      if (!output.success) throw new Error(fromLatin1(output.stderr));
      return output.stdout;
    });
  });
}

type Item = [db: number, key: string, type: string, expiryMs: number | null, parts: string[]];

const REQUESTS: Readonly<Record<string, [type: string, command: string, ...rest: string[]]>> = {
  string: ["string", "GET"],
  list: ["list", "LRANGE", "0", "-1"],
  set: ["set", "SMEMBERS"],
  hash: ["hash", "HGETALL"],
  sorted_set: ["zset", "ZRANGE", "0", "-1", "WITHSCORES"],
};

/** Parts of a value in an order, and scores in a form, that both sides share. */
function canonical(type: string, parts: readonly string[]): string[] {
  if (type === "string" || type === "list") return [...parts];
  if (type === "set") return [...parts].sort();
  const pairs: string[] = [];
  for (let index = 0; index < parts.length; index += 2) {
    const value = type === "hash"
      ? parts[index + 1]
      : Number(parts[index + 1].replace("inf", "Infinity"));
    pairs.push(`${quoted(parts[index])} ${Object.is(value, -0) ? 0 : value}`);
  }
  return pairs.sort();
}

/** The dataset as far as these tools know its types. */
async function fillWithoutStreams(client: RespClient): Promise<void> {
  await fillDataset(client, SMALL);
  const keys = await client.callBytes("KEYS", "stream:*") as Uint8Array[];
  await client.expect("DEL", ...keys);
}

async function assertServerHas(client: RespClient, item: Item): Promise<void> {
  const [db, text, kind, expiryMs, parts] = item;
  const key = latin1(text);
  const [type, command, ...rest] = REQUESTS[kind];
  await client.expect("SELECT", db);
  assertEquals(await client.call("TYPE", key), type, text);
  assertEquals(await client.call("PEXPIRETIME", key), expiryMs ?? -1, text);
  const reply = await client.callBytes(command, key, ...rest);
  const held = (Array.isArray(reply) ? reply : [reply]) as Uint8Array[];
  assertEquals(canonical(kind, parts), canonical(kind, held.map(fromLatin1)), text);
}

testWithPackages("rdb-py reads every key of our files of versions 9, 10 and 11", async (python) => {
  await using server = await startServer();
  using client = await server.connect();
  await fillWithoutStreams(client);
  const keyCount = (await readDataset(client)).size;
  const script = fromFileUrl(new URL("python/rdb_items.py", import.meta.url));
  for (const version of [9, 10, 11]) {
    await client.expect("CONFIG", "SET", "rdb-version", version);
    await client.expect("SAVE");
    const output = await python(script, join(server.directory, "dump.rdb"));
    const items = fromLatin1(output).trimEnd().split("\n").map((line): Item => JSON.parse(line));
    assertEquals(items.length, keyCount, `version ${version}`);
    for (const item of items) await assertServerHas(client, item);
  }
});

testWithPackages(
  "rdbtools makes commands of our version 9 that give the same data",
  async (python) => {
    await using server = await startServer({ args: ["--rdb-version", "9"] });
    using client = await server.connect();
    await fillWithoutStreams(client);
    await client.expect("SAVE");
    const main = "from rdbtools.cli.rdb import main; main()";
    const file = join(server.directory, "dump.rdb");
    const commands = await python("-c", main, "--command", "protocol", "--escape", "raw", file);
    await using other = await startServer();
    using target = await other.connect();
    await target.writeBytes(concatBytes([commands, utf8("*2\r\n$4\r\nECHO\r\n$3\r\nend\r\n")]));
    while (!fromLatin1(await target.receiveRaw()).startsWith("$3\r\nend"));
    await target.expect("SELECT", 0);
    // It writes expiries in whole seconds.
    const options = { encodings: false, expiryToleranceMs: 1000 };
    const differences = datasetDifferences(
      await readDataset(client),
      await readDataset(target),
      options,
    );
    assertEquals(differences.slice(0, 10), []);
  },
);
