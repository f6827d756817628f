/** The record reader: commands however the file is cut into pieces, and every kind of damage. */
import { assertEquals } from "@std/assert";
import { latin1Bytes } from "../../src/base/bytes.ts";
import {
  AofRecordReader,
  type ByteSource,
  MemorySource,
  RECORD_BAD,
  RECORD_COMMAND,
  RECORD_END,
  RECORD_SHORT,
} from "../../src/persistence/aof_record_reader.ts";
import { resp } from "./aof_toy_server.ts";

/** Hands out the bytes in small pieces. */
class SlowSource implements ByteSource {
  readonly #source: MemorySource;
  readonly #pieceBytes: number;

  constructor(bytes: Uint8Array, pieceBytes: number) {
    this.#source = new MemorySource(bytes);
    this.#pieceBytes = pieceBytes;
  }

  read(bytes: Uint8Array, start: number, length: number): number {
    return this.#source.read(bytes, start, Math.min(length, this.#pieceBytes));
  }

  seek(offset: number): void {
    this.#source.seek(offset);
  }

  size(): number {
    return this.#source.size();
  }
}

function readAll(source: ByteSource): { words: string[][]; outcome: number; offset: number } {
  const reader = new AofRecordReader(source);
  const words: string[][] = [];
  for (;;) {
    const outcome = reader.next();
    if (outcome !== RECORD_COMMAND) return { words, outcome, offset: reader.offset };
    words.push(Array.from({ length: reader.argv.count }, (_, index) => reader.argv.text(index)));
  }
}

const LARGE = "0123456789".repeat(70_000);
const COMMANDS = [["SET", "key", "value"], ["MULTI"], ["DEL", "", "\r\n*1\r\n"], ["EXEC"]];

Deno.test("commands are read through pieces of any size, annotations are skipped", () => {
  const text = "#TS:1700000000\r\n" + COMMANDS.map((words) => resp(...words)).join("#x\r\n");
  for (let pieceBytes = 1; pieceBytes < 40; pieceBytes++) {
    const result = readAll(new SlowSource(latin1Bytes(text), pieceBytes));
    assertEquals(result, { words: COMMANDS, outcome: RECORD_END, offset: text.length });
  }
});

Deno.test("records larger than the buffer are read, small ones before and behind them too", () => {
  const commands = [["SET", "a", "1"], ["SET", "b", LARGE], ["SET", "c", "3", LARGE, LARGE]];
  const text = [...commands, ...COMMANDS].map((words) => resp(...words)).join("");
  const result = readAll(new MemorySource(latin1Bytes(text)));
  assertEquals(result.outcome, RECORD_END);
  assertEquals(result.words, [...commands, ...COMMANDS]);
});

Deno.test("a file that was cut anywhere ends at a record, or short within one", () => {
  const records = COMMANDS.map((words) => resp(...words));
  const text = records.join("");
  for (let length = 0; length <= text.length; length++) {
    let whole = 0;
    let count = 0;
    while (count < records.length && whole + records[count].length <= length) {
      whole += records[count++].length;
    }
    const result = readAll(new MemorySource(latin1Bytes(text.slice(0, length))));
    const outcome = whole === length ? RECORD_END : RECORD_SHORT;
    assertEquals(result, { words: COMMANDS.slice(0, count), outcome, offset: whole });
  }
});

Deno.test("damage is found where it stands", () => {
  const good = resp("SET", "a", "1");
  const cases: [text: string, offset: number][] = [
    ["\0\0\0\0", 0],
    ["SET a 1\r\n", 0],
    ["*0\r\n", 1],
    ["*-1\r\n", 1],
    ["*\r\n", 1],
    ["*03\r\n", 1],
    ["*3\n$3", 2],
    ["*1\r\n#3\r\nfoo\r\n", 4],
    ["*1\r\n$-1\r\nfoo\r\n", 5],
    ["*1\r\n$x\r\nfoo\r\n", 5],
    ["*1\r\n$2\r\nfoo\r\n", 10],
    ["*1\r\n$3\r\nfoo\0\0", 11],
    ["*99999999999999999999999999999\r\n", 1],
    ["#" + "x".repeat(2000), 0],
  ];
  for (const [text, offset] of cases) {
    const reader = new AofRecordReader(new MemorySource(latin1Bytes(good + text)));
    assertEquals(reader.next(), RECORD_COMMAND);
    assertEquals(reader.next(), RECORD_BAD, text);
    assertEquals([reader.offset, reader.errorOffset], [good.length, good.length + offset], text);
  }
});

Deno.test("an announced length takes no memory before the bytes are there", () => {
  const reader = new AofRecordReader(
    new MemorySource(latin1Bytes("*1\r\n$9000000000000\r\nabc\r\n")),
  );
  assertEquals(reader.next(), RECORD_SHORT);
});

Deno.test("reading can begin at an offset", () => {
  const text = "REDIS0010" + resp("DEL", "a");
  const reader = new AofRecordReader(new MemorySource(latin1Bytes(text)));
  assertEquals([reader.startsWith("REDIS"), reader.startsWith("REDIX")], [true, false]);
  reader.seek(9);
  assertEquals([reader.next(), reader.argv.text(1), reader.offset], [RECORD_COMMAND, "a", 9]);
  assertEquals([reader.next(), reader.nextOffset], [RECORD_END, text.length]);
});
