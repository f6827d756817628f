/**
 * The real process before files that it cannot load: it ends with 1, says why once, in the words
 * that people and tools look for, with file and offset, and leaves the files as they are.
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { runToEnd, TemporaryDirectory } from "../support/server_process.ts";
import { fromLatin1, latin1 } from "../support/text.ts";

interface Refusal {
  readonly name: string;
  readonly file: string;
  readonly content: string;
  readonly args: readonly string[];
  /** Each stands in the log once. */
  readonly phrases: readonly string[];
}

const INCREMENT = "appendonly.aof.1.incr.aof";
const AOF = join("appendonlydir", INCREMENT);
const AOF_ON = ["--appendonly", "yes"];
const SET = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n";
const RDB_HEAD = "REDIS0010\xfe\x00\x00\x01k\x01v\xff";

const REFUSALS: readonly Refusal[] = [
  {
    name: "a damaged AOF",
    file: AOF,
    content: SET + SET.replace("$3", "#3") + SET,
    args: AOF_ON,
    phrases: [
      `Bad file format reading the append only file ${INCREMENT}`,
      `${AOF}, offset ${SET.length + 4}: expected '$'`,
    ],
  },
  {
    name: "an AOF without its end, when that is not to be loaded",
    file: AOF,
    content: SET + SET.slice(0, -3),
    args: [...AOF_ON, "--aof-load-truncated", "no"],
    phrases: [
      `Unexpected end of file reading the append only file ${INCREMENT}`,
      `${AOF}, offset ${2 * SET.length - 3}`,
    ],
  },
  {
    name: "an AOF with an unknown command",
    file: AOF,
    content: SET + SET.replace("SET", "SAT"),
    args: AOF_ON,
    phrases: [
      `Unknown command 'SAT' reading the append only file ${INCREMENT}`,
      `${AOF}, offset ${SET.length}`,
    ],
  },
  {
    name: "an AOF with a command of too few arguments",
    file: AOF,
    content: `${SET}*2\r\n$3\r\nSET\r\n$1\r\nk\r\n`,
    args: AOF_ON,
    phrases: [
      `Bad file format reading the append only file ${INCREMENT}`,
      `${AOF}, offset ${SET.length}: wrong number of arguments of the command 'SET'`,
    ],
  },
  {
    name: "an RDB file with a wrong checksum",
    file: "dump.rdb",
    content: `${RDB_HEAD}12345678`,
    args: [],
    phrases: ["Fatal error loading the DB", `dump.rdb": RDB CRC error`, "offset 17"],
  },
  {
    name: "an RDB file without its end",
    file: "dump.rdb",
    content: RDB_HEAD.slice(0, 14),
    args: [],
    phrases: [
      "Fatal error loading the DB",
      `dump.rdb": Unexpected EOF reading RDB file`,
      "offset 14",
    ],
  },
];

/** All files below a directory with what is in them, but for sockets. */
function readTree(directory: string): Record<string, string> {
  const tree: Record<string, string> = {};
  for (const entry of Deno.readDirSync(directory)) {
    const path = join(directory, entry.name);
    if (entry.isDirectory) Object.assign(tree, readTree(path));
    else if (entry.isFile) tree[path] = fromLatin1(Deno.readFileSync(path));
  }
  return tree;
}

for (const { name, file, content, args, phrases } of REFUSALS) {
  Deno.test(`${name}: the start is refused, and the reason said once`, async () => {
    await using directory = await TemporaryDirectory.create();
    const path = join(directory.path, file);
    Deno.mkdirSync(join(directory.path, "appendonlydir"));
    if (file === AOF) {
      const manifest = join(directory.path, "appendonlydir", "appendonly.aof.manifest");
      Deno.writeTextFileSync(manifest, `file ${INCREMENT} seq 1 type i\n`);
    }
    Deno.writeFileSync(path, latin1(content));
    const before = readTree(directory.path);
    const common = ["--port", "0", "--unixsocket", join(directory.path, "socket"), "--save", ""];
    const started = [...common, "--dir", directory.path, ...args];
    const { code, output } = await runToEnd("redeno", started);
    assertEquals(code, 1, output);
    for (const phrase of phrases) {
      assertEquals(output.split(phrase).length - 1, 1, `"${phrase}" in:\n${output}`);
    }
    const reason = output.split("\n").filter((line) => line.includes(phrases[0]));
    assert(phrases.every((phrase) => reason[0].includes(phrase)), "all in one line");
    assertEquals(readTree(directory.path), before);
  });
}
