/** The manifest: its text, byte for byte as Redis writes it, and what is refused. */
import { assertEquals, assertThrows } from "@std/assert";
import {
  AofManifest,
  AofManifestError,
  readManifest,
  writeManifest,
} from "../../src/persistence/aof_manifest.ts";
import { MemoryFiles } from "./aof_memory_files.ts";

const PATH = "/data/appendonlydir/appendonly.aof.manifest";

function parse(text: string): AofManifest {
  return AofManifest.parse(new TextEncoder().encode(text), PATH);
}

function refusal(text: string): AofManifestError {
  return assertThrows(() => parse(text), AofManifestError);
}

const FULL = "file appendonly.aof.2.base.rdb seq 2 type b\n" +
  "file appendonly.aof.1.incr.aof seq 1 type h\n" +
  "file appendonly.aof.2.incr.aof seq 2 type h\n" +
  "file appendonly.aof.4.incr.aof seq 4 type i\n" +
  "file appendonly.aof.5.incr.aof seq 5 type i\n";

Deno.test("a manifest of Redis is read and written back unchanged", () => {
  const manifest = parse(FULL);
  assertEquals(manifest.toText(), FULL);
  assertEquals(manifest.filesToLoad.map((file) => file.sequence), [2, 4, 5]);
  assertEquals([manifest.baseSequence, manifest.incrementSequence], [2, 5]);
});

Deno.test("a rewrite numbers on and makes history of what was before", () => {
  const manifest = new AofManifest();
  manifest.addBase("appendonly.aof", true);
  manifest.addIncrement("appendonly.aof");
  assertEquals(
    manifest.toText(),
    "file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n",
  );
  manifest.addIncrement("appendonly.aof");
  manifest.addBase("appendonly.aof", false);
  manifest.retireIncrements(1);
  assertEquals(
    manifest.toText(),
    "file appendonly.aof.2.base.aof seq 2 type b\n" +
      "file appendonly.aof.1.incr.aof seq 1 type h\n" +
      "file appendonly.aof.1.base.rdb seq 1 type h\n" +
      "file appendonly.aof.2.incr.aof seq 2 type i\n",
  );
});

Deno.test("comments, unknown fields and other orders of fields are accepted", () => {
  const manifest = parse("# note\nSEQ 3 TYPE i FILE a.3.incr.aof startoffset 7\n");
  assertEquals(manifest.lastIncrement, { name: "a.3.incr.aof", sequence: 3, type: "i" });
});

Deno.test("names with spaces, quotes and other bytes are quoted as Redis does", () => {
  const manifest = new AofManifest();
  manifest.addIncrement('my "aof"\té');
  const text = 'file "my \\"aof\\"\\t\\xc3\\xa9.1.incr.aof" seq 1 type i\n';
  assertEquals(manifest.toText(), text);
  assertEquals(parse(text).lastIncrement?.name, 'my "aof"\té.1.incr.aof');
});

Deno.test("what Redis refuses is refused, with line and reason", () => {
  const good = "file a.1.incr.aof seq 1 type i\n";
  const cases: [text: string, line: number, reason: string][] = [
    ["", 0, "Found an empty AOF manifest"],
    [`${good}\n`, 2, "Invalid AOF manifest file format"],
    [`${good}file b seq 2\n`, 2, "Invalid AOF manifest file format"],
    [`${good}file b seq 2 type i more\n`, 2, "Invalid AOF manifest file format"],
    ["file b seq 0 type i\n", 1, "Invalid AOF manifest file format"],
    ['file "b seq 1 type i\n', 1, "Invalid AOF manifest file format"],
    ["file ../b seq 1 type i\n", 1, "File can't be a path, just a filename"],
    ["file a seq 1 type b\nfile b seq 2 type b\n", 2, "Found duplicate base file information"],
    [`${good}file b seq 1 type i\n`, 2, "Found a non-monotonic sequence number"],
    ["file a seq 1 type z\n", 1, "Unknown AOF file type"],
    ["file a seq 1 type b", 1, "The AOF manifest file contains too long line"],
    [`file ${"a".repeat(1100)} seq 1 type b\n`, 1, "The AOF manifest file contains too long line"],
  ];
  for (const [text, line, reason] of cases) {
    const error = refusal(text);
    assertEquals([error.line, error.reason, error.path], [line, reason, PATH], text);
  }
});

Deno.test("a manifest that was cut anywhere is refused or a prefix of whole lines", () => {
  for (let length = 1; length < FULL.length; length++) {
    const text = FULL.slice(0, length);
    if (text.endsWith("\n")) assertEquals(parse(text).toText(), text);
    else assertEquals(refusal(text).reason, "The AOF manifest file contains too long line");
  }
});

Deno.test("numbering begins above files that stand there without a manifest", () => {
  const manifest = new AofManifest();
  manifest.reserveNumbersOf("a.aof", ["a.aof.7.incr.aof", "a.aof.3.base.rdb", "b.9.incr.aof"]);
  assertEquals(manifest.addBase("a.aof", true).name, "a.aof.4.base.rdb");
  assertEquals(manifest.addIncrement("a.aof").name, "a.aof.8.incr.aof");
});

Deno.test("writing goes through a temporary file, sync, rename and sync of the directory", () => {
  const files = new MemoryFiles();
  assertEquals(readManifest(files, PATH), null);
  writeManifest(files, PATH, parse(FULL));
  assertEquals(files.calls.filter((call) => !call.startsWith("stat")), [
    "create /data/appendonlydir/temp-appendonly.aof.manifest",
    "write /data/appendonlydir/temp-appendonly.aof.manifest",
    "sync /data/appendonlydir/temp-appendonly.aof.manifest",
    "close /data/appendonlydir/temp-appendonly.aof.manifest",
    `rename ${PATH}`,
    "syncDirectory /data/appendonlydir",
  ]);
  assertEquals(readManifest(files, PATH)?.toText(), FULL);
});
