/** What check-rdb says of files that are good, cut, damaged, or no RDB at all. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { checkRdbMain } from "../../src/persistence/check_rdb.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { SimulatedFiles } from "../support/simulated_files.ts";
import { fromLatin1, latin1 } from "../support/text.ts";
import { STREAM_PAYLOADS } from "./stream_payloads.ts";
import { saveToBytes } from "./keyspace_contents.ts";

const PATH = "/data/dump.rdb";

/** A small dump of every type, as our server writes it. */
function dump(): Uint8Array {
  const files = new SimulatedFiles();
  using server = new EmbeddedServer([["loglevel", "warning"]], { files });
  server.server.config.dir = "/data";
  server.run("SET", "text", "abc".repeat(100));
  server.run("SET", "gone", "1", "PXAT", "4102444800000");
  server.run("RPUSH", "list", "a", "b", "7");
  server.run("SADD", "set", "x", "y");
  server.run("HSET", "hash", "field", "value");
  server.run("ZADD", "zset", "1.5", "member");
  assertEquals(server.run("SAVE"), "OK");
  return files.content(PATH);
}

function check(content: Uint8Array | null): { code: number; lines: string[] } {
  const files = new SimulatedFiles();
  if (content !== null) files.put(PATH, content);
  const lines: string[] = [];
  const print = (line: string) => lines.push(line);
  return { code: checkRdbMain(files, [PATH], print, print), lines };
}

Deno.test("check-rdb counts the keys of a good file", () => {
  const { code, lines } = check(dump());
  assertEquals(code, 0, lines.join("\n"));
  assertEquals(lines[0], `[offset 0] Checking RDB file ${PATH}`);
  assert(lines.includes("[info] 6 keys read"));
  assert(lines.includes("[info] 1 expires"));
  assert(lines.includes("[info] 0 already expired"));
  assertMatch(lines.join("\n"), /Checksum OK\n.*RDB looks OK!/);
});

Deno.test("check-rdb refuses a file that is cut anywhere, and names the offset", () => {
  const content = dump();
  for (let length = 0; length < content.length; length++) {
    const { code, lines } = check(content.subarray(0, length));
    assertEquals(code, 1, `cut at ${length}`);
    assert(lines.includes("--- RDB ERROR DETECTED ---"));
    assertMatch(lines.join("\n"), /\[additional info\] While doing: /);
  }
});

Deno.test("check-rdb notices every damaged byte", () => {
  const content = dump();
  for (let at = 0; at < content.length; at++) {
    const damaged = content.slice();
    damaged[at] ^= 0x20;
    assertEquals(check(damaged).code, 1, `byte ${at}`);
  }
});

Deno.test("check-rdb names the key and the type in which the damage is", () => {
  const content = dump();
  const at = new TextDecoder("latin1").decode(content).indexOf("zset") + 8;
  const { lines } = check(content.subarray(0, at));
  assert(lines.includes("[additional info] While doing: read-object-value"));
  assert(lines.includes("[additional info] Reading key 'zset'"));
  assert(lines.includes("[additional info] Reading type 17 (zset-listpack)"));
});

Deno.test("check-rdb refuses what is no RDB, a version of the future, and a missing file", () => {
  const encoder = new TextEncoder();
  assertEquals(check(encoder.encode("*1\r\n$4\r\nPING\r\n")).code, 1);
  assertMatch(check(encoder.encode("REDIS0099 and more")).lines.join(), /version 99/);
  assertMatch(check(null).lines.join(), /No such file or directory/);
  const usage: string[] = [];
  assertEquals(checkRdbMain(new SimulatedFiles(), [], () => {}, (line) => usage.push(line)), 1);
  assertMatch(usage.join(), /^Usage: /);
});

/** What a file has of the name of a module's type, with version 3 of its format. */
const MODULE_ID = "\x81\x45\xe2\x52\x38\xdf\x91\x2c\x03";

Deno.test("check-rdb does not call a file damaged that holds what only others can read", () => {
  const head = [..."REDIS0010\xfe\x00"].map((letter) => letter.charCodeAt(0));
  const text = (letters: string) => [...letters].map((letter) => letter.charCodeAt(0));
  for (
    const [part, reason] of [
      [`\x07\x03key${MODULE_ID}`, 'key "key" has type module (7) with the name "ReJSON-RL", which'],
      ["\x1c\x03key\x00", 'key "key" has type array (28), which this version cannot read'],
      [`\xf7${MODULE_ID}\x02\x02\x02\x05\x00`, 'the file holds data of module "ReJSON-RL"'],
      [
        "\xf3\x01\x21\x43\x65\x87\x00",
        "the file holds data of class 87654321 that modules keep with keys (243)",
      ],
      ["\xf6\x00", "Pre-release function format not supported"],
    ]
  ) {
    const { code, lines } = check(Uint8Array.from([...head, ...text(part), 0xff]));
    const output = lines.join("\n");
    assertEquals(code, 1);
    assert(output.includes(reason), output);
    assert(lines.includes("--- RDB NOT SUPPORTED ---"), output);
    assert(output.includes("No damage was found up to here"), output);
    assert(!output.includes("ERROR DETECTED"), output);
  }
  const unknown = check(Uint8Array.from([...head, ...text("\x08\x03key\x00"), 0xff]));
  assert(unknown.lines.includes("--- RDB ERROR DETECTED ---"), "no version knows type 8");
});

Deno.test("check-rdb counts keys whose fields expire, and names what Valkey writes of them", () => {
  using server = new EmbeddedServer();
  server.run("HSET", "h", "a", "1", "b", "2");
  server.run("HSET", "plain", "a", "1");
  server.run("HPEXPIREAT", "h", "9000000000000", "FIELDS", "1", "a");
  for (const version of [12, 80] as const) {
    const bytes = saveToBytes(server, { version });
    const { code, lines } = check(bytes);
    assertEquals(code, 0, lines.join("\n"));
    assert(lines.includes("[info] 1 subexpires"), lines.join("\n"));
    const broken = check(bytes.subarray(0, bytes.length - 30));
    assert(broken.lines.includes("--- RDB ERROR DETECTED ---"));
  }
  const valkey = latin1("VALKEY080\xfe\x00\x16\x01h\x01\x01a\x011\x00\x00");
  assert(check(valkey).lines.includes("[additional info] Reading type 22 (hash-volatile-items)"));
});

Deno.test("check-rdb looks into what the newest servers write, and says what is not loaded", () => {
  const templates = "\xf2\x07\x02\x01a\x01b\xfe\x00\x20\x01t\x07\x011\x012\xff";
  const good = check(latin1(`REDIS0016${templates}${"\x00".repeat(8)}`));
  assertEquals(good.code, 0, good.lines.join("\n"));
  assert(good.lines.includes("[info] 1 templates of hashes"));
  const damaged = check(latin1(`REDIS0016${templates.replace("\x01t\x07", "\x01t\x08")}`));
  assertEquals(damaged.code, 1);
  assert(damaged.lines.some((line) => line.endsWith("no template of hashes has the id 8")));
  assert(
    damaged.lines.includes("[additional info] Reading type 32 (hash-template-array-ref)"),
    damaged.lines.join("\n"),
  );
  const cut = check(latin1(`REDIS0016${templates.slice(0, 4)}`));
  assert(cut.lines.includes("[additional info] While doing: read-hash-template"));

  const stream = fromLatin1(Uint8Array.fromHex(STREAM_PAYLOADS[27]));
  const file = `REDIS0014\xfe\x00${stream[0]}\x01s${stream.slice(1)}\xff${"\x00".repeat(8)}`;
  const read = check(latin1(file));
  assertEquals(read.code, 0, read.lines.join("\n"));
  assert(read.lines.includes("[info] 2 ids of stream producers, which are not loaded"));
});
