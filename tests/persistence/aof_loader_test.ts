/**
 * Loading: what a crash leaves is cut at the last whole unit, what is damaged is refused and left
 * as it is, and a second start finds what the first one found.
 */
import { assertEquals, assertRejects } from "@std/assert";
import { AofLoadError } from "../../src/persistence/aof_loader.ts";
import { MemoryFiles, NO_SPACE } from "./aof_memory_files.ts";
import { DIRECTORY, MANIFEST, resp, toyRdb, ToyServer } from "./aof_toy_server.ts";

const BASE = `${DIRECTORY}/appendonly.aof.1.base.rdb`;
const FIRST = `${DIRECTORY}/appendonly.aof.1.incr.aof`;
const SECOND = `${DIRECTORY}/appendonly.aof.2.incr.aof`;
const BASE_LINE = "file appendonly.aof.1.base.rdb seq 1 type b\n";
const FIRST_LINE = "file appendonly.aof.1.incr.aof seq 1 type i\n";
const SECOND_LINE = "file appendonly.aof.2.incr.aof seq 2 type i\n";

function filesWith(first: string, second?: string): MemoryFiles {
  const files = new MemoryFiles();
  files.put(BASE, toyRdb({ "0:base": "yes" }));
  files.put(FIRST, first);
  if (second !== undefined) files.put(SECOND, second);
  files.put(MANIFEST, BASE_LINE + FIRST_LINE + (second === undefined ? "" : SECOND_LINE));
  return files;
}

function load(files: MemoryFiles, adjust?: (toy: ToyServer) => void): Promise<ToyServer> {
  return ToyServer.start(files, (toy) => {
    toy.config.aofLoadCorruptTailMaxSize = 0;
    adjust?.(toy);
  });
}

async function assertRefused(
  files: MemoryFiles,
  message: string,
  adjust?: (toy: ToyServer) => void,
): Promise<void> {
  const before = JSON.stringify([...files.entries].map(([path, file]) => [path, [...file.bytes]]));
  const error = await assertRejects(() => load(files, adjust), AofLoadError);
  assertEquals(error.message.slice(0, message.length), message);
  const after = JSON.stringify([...files.entries].map(([path, file]) => [path, [...file.bytes]]));
  assertEquals(after, before, "a refused start must not change the files");
}

const SHORT = "Unexpected end of file reading the append only file appendonly.aof.1.incr.aof (";
const BAD = "Bad file format reading the append only file appendonly.aof.1.incr.aof (";

/** Units as a server records them: each is applied as a whole or not at all. */
const UNITS = [
  resp("SELECT", "0"),
  resp("SET", "a", "1"),
  resp("APPEND", "a", "2"),
  resp("MULTI") + resp("SET", "b", "1") + resp("APPEND", "a", "3") + resp("EXEC"),
  resp("SELECT", "2"),
  resp("DEL", "b"),
  resp("MULTI") + resp("SELECT", "0") + resp("SET", "c", "\r\n*1\r\n") + resp("DEL", "b") +
  resp("EXEC"),
  resp("APPEND", "a", "4"),
];

/** State after each number of units. */
async function statesAfter(): Promise<string[]> {
  const states: string[] = [];
  for (let count = 0; count <= UNITS.length; count++) {
    states.push((await load(filesWith(UNITS.slice(0, count).join("")))).state());
  }
  return states;
}

Deno.test("base and increments are loaded in order, and writing goes on in the last", async () => {
  const files = filesWith(resp("APPEND", "base", "!"), resp("APPEND", "base", "?"));
  const toy = await load(files);
  assertEquals(toy.data.get("0:base"), "yes!?");
  toy.run(["SET", "new", "1"]);
  assertEquals(
    files.text(SECOND),
    resp("APPEND", "base", "?") + resp("SELECT", "0") + resp("SET", "new", "1"),
  );
  assertEquals(files.text(MANIFEST), BASE_LINE + FIRST_LINE + SECOND_LINE);
});

Deno.test("a file cut at any byte is loaded up to the last whole unit, and so it stays", async () => {
  const text = UNITS.join("");
  const states = await statesAfter();
  for (let length = 0; length <= text.length; length++) {
    let whole = 0;
    let count = 0;
    while (count < UNITS.length && whole + UNITS[count].length <= length) {
      whole += UNITS[count++].length;
    }
    const files = filesWith(text.slice(0, length));
    const toy = await load(files);
    assertEquals([toy.state(), files.text(FIRST)], [states[count], text.slice(0, whole)]);
    // What is appended now must be found by the start after the next.
    toy.run(["SET", "later", "1"]);
    const again = await load(files.copy());
    assertEquals(again.state(), toy.state(), `cut at ${length}`);
    assertEquals(
      again.log.lines.some((line) => / is cut at |ends in the middle/.test(line)),
      false,
    );
  }
});

Deno.test("without aof-load-truncated a missing end is refused", async () => {
  const keepsAll = (toy: ToyServer) => {
    toy.config.aofLoadTruncated = false;
  };
  await assertRefused(filesWith(UNITS.join("").slice(0, -3)), SHORT, keepsAll);
  await assertRefused(filesWith(resp("MULTI") + resp("DEL", "a")), SHORT, keepsAll);
  assertEquals((await load(filesWith(UNITS.join("")), keepsAll)).data.size, 3);
});

Deno.test("garbage at the end is cut up to the limit, zero bytes without", async () => {
  const [good, open] = [UNITS.join(""), resp("MULTI") + resp("DEL", "a")];
  const limited = (toy: ToyServer) => {
    toy.config.aofLoadCorruptTailMaxSize = 4096;
  };
  const state = (await load(filesWith(good))).state();
  for (
    const tail of [
      "\0".repeat(3_000_000),
      "\x01garbage",
      "\x01".repeat(4096) + "\0".repeat(5000),
      `${open}\0\0\0`,
      "*2\r\n$3\r\nDEL\r\n$1\0",
    ]
  ) {
    const files = filesWith(good + tail);
    assertEquals((await load(files, limited)).state(), state);
    assertEquals(files.text(FIRST), good);
  }
  await assertRefused(filesWith(good + "\x01".repeat(4097) + "\0"), BAD, limited);
  await assertRefused(filesWith(good + "\0"), BAD);
});

Deno.test("damage in the middle is refused with file and offset, said once", async () => {
  const files = filesWith(UNITS[0] + UNITS[1].replace("$3", "#3") + UNITS[2]);
  await assertRefused(files, BAD);
  const toy = new ToyServer(files);
  toy.config.aofLoadCorruptTailMaxSize = 10;
  await assertRejects(() => toy.control.loadAtStart(), AofLoadError);
  const place = `(${FIRST}, offset ${UNITS[0].length + 4}: expected '$', found byte 35. Whole ` +
    `commands follow at offset ${UNITS[0].length + UNITS[1].length}; `;
  assertEquals(toy.log.lines.filter((text) => text.includes(place)).length, 1);
  assertEquals(toy.log.lines.filter((text) => text.includes("expected '$'")).length, 1);
});

Deno.test("a damaged length that reaches behind the end is told from a missing end", async () => {
  const damaged = resp("SET", "a", "1").replace("$1\r\n1", "$9000\r\n1");
  await assertRefused(filesWith(UNITS[0] + damaged + resp("SET", "k", "v")), BAD);
  // A long value of which only a part was written is a missing end, though.
  const files = filesWith(UNITS[0] + resp("SET", "a", "x*1\n".repeat(5000)).slice(0, 9000));
  await load(files);
  assertEquals(files.text(FIRST), UNITS[0]);
});

Deno.test("one damaged byte near the end cuts nothing while a whole command follows", async () => {
  const commands = Array.from({ length: 60 }, (_, index) => resp("SET", `key:${index}`, "value"));
  const limited = (toy: ToyServer) => {
    toy.config.aofLoadCorruptTailMaxSize = 4096;
  };
  const damaged = commands.with(2, commands[2].replace("$3", "#3"));
  await assertRefused(filesWith(damaged.join("")), BAD, limited);
  await assertRefused(filesWith(commands.join("").replaceAll("\r\n", "\n")), BAD, limited);
  // The last command is the only one that may go, and it is kept.
  const files = filesWith(commands.with(59, commands[59].replace("$3", "#3")).join(""));
  const toy = await load(files, limited);
  assertEquals(toy.data.size, 60, "59 keys and that of the base");
  const good = commands.slice(0, 59).join("");
  assertEquals(files.text(FIRST), good);
  assertEquals(files.text(`${FIRST}.cut-at-${good.length}`), commands[59].replace("$3", "#3"));
});

Deno.test("what is cut is kept beside the file, but for zeros, and nothing is overwritten", async () => {
  const [good, half] = [UNITS.join(""), "*3\r\n$3\r\nSET"];
  const kept = `${FIRST}.cut-at-${good.length}`;
  const files = filesWith(`${good}${half}\0\0\0`);
  const limited = (toy: ToyServer) => {
    toy.config.aofLoadCorruptTailMaxSize = 4096;
  };
  let toy = await load(files, limited);
  assertEquals(files.text(kept), half);
  assertEquals(toy.log.lines.some((line) => line.includes(`is kept in ${kept}`)), true);
  files.put(FIRST, good + "*2\r\n");
  toy = await load(files, limited);
  assertEquals([files.text(kept), files.text(`${kept}-2`)], [half, "*2\r\n"]);
  const zeros = filesWith(`${good}\0\0\0`);
  await load(zeros, limited);
  assertEquals(zeros.entries.has(kept), false);
});

Deno.test("what cannot be kept is not cut, unless it is the half command of a crash", async () => {
  const good = UNITS.join("");
  const kept = `${FIRST}.cut-at-${good.length}`;
  const onFullDisk = (toy: ToyServer) => {
    toy.config.aofLoadCorruptTailMaxSize = 4096;
    toy.files.failure = (call, path) => call === "write" && path === kept ? NO_SPACE : null;
  };
  await assertRefused(filesWith(good + "garbage"), "What is behind offset ", onFullDisk);
  const files = filesWith(good + "*2\r\n$3");
  await load(files, onFullDisk);
  assertEquals([files.text(FIRST), files.entries.has(kept)], [good, false]);
});

/** The small file of the damage fuzz: each command leaves a trace that names it. */
const TRACED = Array.from({ length: 6 }, (_, index) => resp("SET", `k${index}`, "v".repeat(index)));

/** The ways in which a byte is damaged. */
const DAMAGES: readonly [name: string, damage: (text: string, at: number) => string][] = [
  ["cut", (text, at) => text.slice(0, at) + text.slice(at + 1)],
  ["zeroed", (text, at) => text.slice(0, at) + "\0" + text.slice(at + 1)],
  ["doubled", (text, at) => text.slice(0, at) + text[at] + text.slice(at)],
  ...Array.from({ length: 8 }, (_, bit): [string, (text: string, at: number) => string] => [
    `bit ${bit} flipped`,
    (text, at) =>
      text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ (1 << bit)) +
      text.slice(at + 1),
  ]),
];

Deno.test("a byte damaged anywhere: refused, or no whole later command is lost", async () => {
  const text = TRACED.join("");
  const starts = TRACED.map((_, index) => TRACED.slice(0, index).join("").length);
  let refused = 0;
  for (const [name, damage] of DAMAGES) {
    for (let at = 0; at < text.length; at++) {
      const files = filesWith("");
      const content = Uint8Array.from(damage(text, at), (letter) => letter.charCodeAt(0));
      files.put(FIRST, content);
      const first = starts.findLastIndex((start) => start <= at);
      try {
        const toy = await load(files, (toy) => {
          toy.config.aofLoadCorruptTailMaxSize = 4096;
        });
        for (let later = first + 1; later < TRACED.length; later++) {
          const found = toy.data.get(`0:k${later}`);
          assertEquals(found, "v".repeat(later), `${name} at ${at}: command ${later}`);
        }
      } catch (error) {
        if (!(error instanceof AofLoadError)) throw error;
        refused++;
        assertEquals(files.entries.get(FIRST)!.bytes, content, "a refused file is untouched");
      }
    }
  }
  assertEquals(refused > text.length, true, `only ${refused} refused`);
});

Deno.test("no single damaged byte crashes the loader or loops", async () => {
  const text = UNITS.join("");
  for (let at = 0; at < text.length; at++) {
    for (const byte of ["\0", "9", "*", "\n"]) {
      const files = filesWith(text.slice(0, at) + byte + text.slice(at + 1));
      try {
        const toy = await load(files);
        assertEquals((await load(files.copy())).state(), toy.state());
      } catch (error) {
        if (!(error instanceof AofLoadError)) throw error;
      }
    }
  }
});

Deno.test("an end that is missing from a file which others follow is refused", async () => {
  const cut = UNITS.join("").slice(0, -3);
  await assertRefused(filesWith(cut, UNITS[1]), "Only the last file of an AOF may end too early");
  await assertRefused(
    filesWith(resp("MULTI"), resp("EXEC")),
    "Only the last file of an AOF may end too early",
  );
  // Nothing follows if the later file is empty: the server died just when it had begun it.
  const files = filesWith(cut, "");
  const toy = await load(files);
  toy.run(["SET", "later", "1"]);
  assertEquals((await load(files.copy())).state(), toy.state());
});

Deno.test("unknown commands and missing files are refused", async () => {
  await assertRefused(
    filesWith(resp("NOSUCH", "a")),
    "Unknown command 'NOSUCH' reading the append only file appendonly.aof.1.incr.aof",
  );
  const files = filesWith("");
  files.entries.delete(BASE);
  await assertRefused(
    files,
    "The AOF file appendonly.aof.1.base.rdb cannot be found: No such file",
  );
  await assertRefused(
    (() => {
      const broken = filesWith("");
      broken.put(BASE, toyRdb({ "0:a": "1" }).slice(0, -3));
      return broken;
    })(),
    "Without the RDB base file appendonly.aof.1.base.rdb the AOF cannot be loaded",
  );
  const bad = filesWith("");
  bad.put(MANIFEST, "file a seq 1\n");
  await assertRefused(bad, "Invalid AOF manifest file format");
});

Deno.test("a single file of an older server, with an RDB in front or not, becomes the base", async () => {
  for (const preamble of ["", toyRdb({ "0:a": "0" })]) {
    const files = new MemoryFiles();
    files.put("/data/appendonly.aof", preamble + resp("APPEND", "a", "1") + "*3\r\n$3");
    const toy = await load(files);
    assertEquals(toy.data.get("0:a"), preamble === "" ? "1" : "01");
    assertEquals(
      files.text(MANIFEST),
      "file appendonly.aof seq 1 type b\n" + FIRST_LINE,
    );
    assertEquals(files.entries.has("/data/appendonly.aof"), false);
    toy.run(["APPEND", "a", "2"]);
    assertEquals((await load(files.copy())).state(), toy.state());
  }
});

Deno.test("an upgrade that a crash cuts off anywhere is carried on by the next start", async () => {
  for (let survived = 0;; survived++) {
    const files = new MemoryFiles();
    files.put("/data/appendonly.aof", resp("APPEND", "a", "1"));
    let calls = 0;
    files.failure = () => calls++ === survived ? new Error("killed here") : null;
    const isDone = await load(files).then(() => true, () => false);
    assertEquals((await load(files.copy())).data.get("0:a"), "1", `killed at call ${survived}`);
    if (isDone && calls <= survived) break;
  }
});

Deno.test("a large file gives the event loop turns and tells of its progress", async () => {
  const files = filesWith(resp("SET", "key", "x".repeat(1000)).repeat(200));
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  await load(files, (toy) => {
    toy.config.loadingProcessEventsIntervalBytes = 10_000;
  });
  clearInterval(timer);
  assertEquals(turns >= 10, true, `${turns} turns`);
});
