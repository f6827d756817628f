/**
 * Bench behind the thresholds of src/base/bytes.ts, and of the integers of src/base/integers.ts:
 * at which length does a native call beat a loop?
 *
 *   deno run scripts/bench/micro/bytes_bench.ts [operations per line]
 *
 * `hash` sums up what the operations produced, so that none of them is optimised away.
 */
import { copyBytes, indexOfByte, latin1Text } from "../../../src/base/bytes.ts";
import { parseSafeInteger, writeInteger } from "../../../src/base/integers.ts";

const OPERATIONS_DEFAULT = 300_000;
const LENGTHS = [1, 4, 8, 16, 32, 48, 64, 96, 128, 256, 1024];
const MASK = 1023;

const source = new Uint8Array(4096).fill(65);
const target = new Uint8Array(new SharedArrayBuffer(4096));
const operations = Number(Deno.args[0] ?? OPERATIONS_DEFAULT);
let hash = 0;

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text + "\n"));
}

/** Nanoseconds per call, after a run to warm up. */
function measure(body: (round: number) => number): string {
  for (let i = 0; i < operations / 4; i++) hash = (hash + body(i)) | 0;
  const start = performance.now();
  for (let i = 0; i < operations; i++) hash = (hash + body(i)) | 0;
  return ((performance.now() - start) * 1e6 / operations).toFixed(1).padStart(9);
}

function copyByLoop(length: number, from: number, to: number): number {
  for (let i = 0; i < length; i++) target[to + i] = source[from + i]!;
  return target[to]!;
}

function copyBySet(length: number, from: number, to: number): number {
  target.set(source.subarray(from, from + length), to);
  return target[to]!;
}

function textByLoop(length: number, from: number): number {
  let text = "";
  for (let i = 0; i < length; i++) text += String.fromCharCode(source[from + i]!);
  return text.charCodeAt(length - 1);
}

print("nanoseconds; copy: loop, set, copyBytes; text: loop, latin1Text; search: indexOfByte");
for (const length of LENGTHS) {
  const columns = [
    measure((i) => copyByLoop(length, i & MASK, (i * 7) & MASK)),
    measure((i) => copyBySet(length, i & MASK, (i * 7) & MASK)),
    measure((i) => {
      copyBytes(source, i & MASK, target, (i * 7) & MASK, length);
      return target[i & MASK]!;
    }),
    measure((i) => textByLoop(length, i & MASK)),
    measure((i) => latin1Text(source, i & MASK, length).charCodeAt(length - 1)),
    measure((i) => indexOfByte(source, i & MASK, length, 13)),
  ];
  print(String(length).padStart(5) + columns.join(""));
}
print("integers: writeInteger, parseSafeInteger");
for (const value of [7, 4711, 123_456_789, Number.MAX_SAFE_INTEGER]) {
  const write = measure(() => writeInteger(value, target, 0));
  const length = writeInteger(value, target, 0);
  print(
    `${String(value).padStart(17)}${write}${measure(() => parseSafeInteger(target, 0, length))}`,
  );
}
print(`hash ${hash}`);
