/** The CRC against its definition, bit by bit, and against its published check value. */
import { assertEquals } from "@std/assert";
import { Crc64 } from "../../src/persistence/crc64.ts";
import { latin1 } from "../support/text.ts";
import { SeededRandom } from "../support/seeded_random.ts";

function bitwise(bytes: Uint8Array): bigint {
  let crc = 0n;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) {
      crc = (crc & 1n) === 1n ? (crc >> 1n) ^ 0x95ac9329ac4bc9b5n : crc >> 1n;
    }
  }
  return crc;
}

function value(crc: Crc64): bigint {
  return (BigInt(crc.high >>> 0) << 32n) | BigInt(crc.low >>> 0);
}

Deno.test("the CRC of 123456789 is the published one", () => {
  const crc = new Crc64();
  crc.update(latin1("123456789"), 0, 9);
  assertEquals(value(crc), 0xe9c6d914c4b8d9can);
});

Deno.test("ranges of any length, taken in pieces, give the CRC of the definition", () => {
  const random = new SeededRandom(7);
  for (let length = 0; length < 70; length++) {
    const bytes = random.bytes(length + 5);
    const cut = random.between(0, length);
    const crc = new Crc64();
    crc.update(bytes, 3, cut);
    crc.update(bytes, 3 + cut, length - cut);
    assertEquals(value(crc), bitwise(bytes.subarray(3, 3 + length)), `length ${length}`);
  }
});

Deno.test("what is stored matches, and nothing else does", () => {
  const crc = new Crc64();
  crc.update(latin1("some text"), 0, 9);
  const bytes = new Uint8Array(10);
  crc.store(bytes, 1);
  assertEquals(crc.matches(bytes, 1), true);
  for (let index = 1; index < 9; index++) {
    bytes[index] ^= 0x10;
    assertEquals(crc.matches(bytes, 1), false);
    bytes[index] ^= 0x10;
  }
});
