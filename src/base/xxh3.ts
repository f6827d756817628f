/**
 * XXH3 with 64 bits, seed 0 and the usual secret: the hash that DIGEST shows and that IFDEQ and
 * IFDNE compare with. Clients compute it themselves, so it must be this one to the last bit.
 *
 * Up to 240 bytes it is a few multiplications of bigints. Beyond, each 64 bytes are added to eight
 * sums of 64 bits, kept as halves of 32, since bigints would take 80 ms per MB.
 */
const SECRET_TEXT = "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f" +
  "cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c" +
  "3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8" +
  "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364" +
  "eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e" +
  "2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e";
const SECRET_BYTES = 192;
const SECRET_BYTES_MIN = 136;

const MASK = 2n ** 64n - 1n;
const PRIME32_1 = 0x9e3779b1;
const PRIME32_2 = 0x85ebca77;
const PRIME32_3 = 0xc2b2ae3d;
const PRIME64_1 = 0x9e3779b185ebca87n;
const PRIME64_2 = 0xc2b2ae3d27d4eb4fn;
const PRIME64_3 = 0x165667b19e3779f9n;
const PRIME64_4 = 0x85ebca77c2b2ae63n;
const PRIME64_5 = 0x27d4eb2f165667c5n;
const PRIME_AVALANCHE = 0x165667919e3779f9n;
const PRIME_SHORT = 0x9fb21c651e98df25n;

const MIDDLE_BYTES_MAX = 240;
const STRIPE_BYTES = 64;
const STRIPES_PER_BLOCK = 16;
const BLOCK_BYTES = STRIPE_BYTES * STRIPES_PER_BLOCK;
const LANES = 8;

const secret = secretBytes();
const secretView = new DataView(secret.buffer);

function secretBytes(): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(SECRET_BYTES);
  for (let index = 0; index < SECRET_BYTES; index++) {
    bytes[index] = Number.parseInt(SECRET_TEXT.slice(2 * index, 2 * index + 2), 16);
  }
  return bytes;
}

/** The eight sums: low and high halves. */
const lows = new Int32Array(LANES);
const highs = new Int32Array(LANES);

/** The hash of a range, as an unsigned integer of 64 bits. */
export function xxh3(bytes: Uint8Array, start: number, length: number): bigint {
  if (length > MIDDLE_BYTES_MAX) return hashLong(bytes, start, length);
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, length);
  if (length > 128) return hashMiddle(view, length);
  if (length > 16) return hashUpTo128(view, length);
  if (length > 8) return hashUpTo16(view, length);
  if (length >= 4) return hashUpTo8(view, length);
  return length > 0 ? hashUpTo3(view, length) : finish64(secret64(56) ^ secret64(64));
}

/** The hash as DIGEST writes it: 16 hexadecimal digits in small letters. */
export function xxh3Text(bytes: Uint8Array, start: number, length: number): string {
  return xxh3(bytes, start, length).toString(16).padStart(16, "0");
}

function secret64(offset: number): bigint {
  return secretView.getBigUint64(offset, true);
}

function hashUpTo3(view: DataView, length: number): bigint {
  const combined = (view.getUint8(0) << 16) | (view.getUint8(length >> 1) << 24) |
    view.getUint8(length - 1) | (length << 8);
  const flip = secretView.getUint32(0, true) ^ secretView.getUint32(4, true);
  return finish64(BigInt((combined ^ flip) >>> 0));
}

function hashUpTo8(view: DataView, length: number): bigint {
  const first = BigInt(view.getUint32(0, true));
  const last = BigInt(view.getUint32(length - 4, true));
  let hash = (last + (first << 32n)) ^ (secret64(8) ^ secret64(16));
  hash ^= rotateLeft(hash, 49n) ^ rotateLeft(hash, 24n);
  hash = (hash * PRIME_SHORT) & MASK;
  hash ^= (hash >> 35n) + BigInt(length);
  hash = (hash * PRIME_SHORT) & MASK;
  return hash ^ (hash >> 28n);
}

function hashUpTo16(view: DataView, length: number): bigint {
  const low = view.getBigUint64(0, true) ^ secret64(24) ^ secret64(32);
  const high = view.getBigUint64(length - 8, true) ^ secret64(40) ^ secret64(48);
  const swapped = reversedBytes(low);
  return avalanche(BigInt(length) + swapped + high + foldedProduct(low, high));
}

function reversedBytes(value: bigint): bigint {
  let reversed = 0n;
  for (let rest = value, left = 8; left > 0; left--, rest >>= 8n) {
    reversed = (reversed << 8n) | (rest & 0xffn);
  }
  return reversed;
}

function hashUpTo128(view: DataView, length: number): bigint {
  let sum = BigInt(length) * PRIME64_1;
  for (let pair = (length - 1) >> 5; pair >= 0; pair--) {
    sum += mixed(view, 16 * pair, 32 * pair) +
      mixed(view, length - 16 * (pair + 1), 32 * pair + 16);
  }
  return avalanche(sum);
}

function hashMiddle(view: DataView, length: number): bigint {
  let sum = BigInt(length) * PRIME64_1;
  for (let round = 0; round < 8; round++) sum += mixed(view, 16 * round, 16 * round);
  sum = avalanche(sum);
  for (let round = 8; round < length >> 4; round++) {
    sum += mixed(view, 16 * round, 16 * (round - 8) + 3);
  }
  return avalanche(sum + mixed(view, length - 16, SECRET_BYTES_MIN - 17));
}

/** 16 bytes of data and of the secret, mixed into 64 bits. */
function mixed(view: DataView, offset: number, secretOffset: number): bigint {
  return foldedProduct(
    view.getBigUint64(offset, true) ^ secret64(secretOffset),
    view.getBigUint64(offset + 8, true) ^ secret64(secretOffset + 8),
  );
}

function hashLong(bytes: Uint8Array, start: number, length: number): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, length);
  resetSums();
  const blocks = Math.floor((length - 1) / BLOCK_BYTES);
  for (let block = 0; block < blocks; block++) {
    for (let stripe = 0; stripe < STRIPES_PER_BLOCK; stripe++) {
      addStripe(view, block * BLOCK_BYTES + stripe * STRIPE_BYTES, stripe * 8);
    }
    scramble();
  }
  const rest = length - 1 - blocks * BLOCK_BYTES;
  for (let stripe = 0; stripe < Math.floor(rest / STRIPE_BYTES); stripe++) {
    addStripe(view, blocks * BLOCK_BYTES + stripe * STRIPE_BYTES, stripe * 8);
  }
  addStripe(view, length - STRIPE_BYTES, SECRET_BYTES - STRIPE_BYTES - 7);
  let hash = BigInt(length) * PRIME64_1;
  for (let lane = 0; lane < LANES; lane += 2) {
    hash += foldedProduct(
      sumOf(lane) ^ secret64(11 + 8 * lane),
      sumOf(lane + 1) ^ secret64(19 + 8 * lane),
    );
  }
  return avalanche(hash);
}

function resetSums(): void {
  const initial = [
    BigInt(PRIME32_3),
    PRIME64_1,
    PRIME64_2,
    PRIME64_3,
    PRIME64_4,
    BigInt(PRIME32_2),
    PRIME64_5,
    BigInt(PRIME32_1),
  ];
  initial.forEach((sum, lane) => {
    lows[lane] = Number(sum & 0xffffffffn);
    highs[lane] = Number(sum >> 32n);
  });
}

function sumOf(lane: number): bigint {
  return (BigInt(highs[lane] >>> 0) << 32n) | BigInt(lows[lane] >>> 0);
}

/** Adds 64 bytes to the sums: to each the product of its halves, to its neighbour the data. */
function addStripe(view: DataView, offset: number, secretOffset: number): void {
  for (let lane = 0; lane < LANES; lane++) {
    const low = view.getInt32(offset + 8 * lane, true);
    const high = view.getInt32(offset + 8 * lane + 4, true);
    const keyLow = low ^ secretView.getInt32(secretOffset + 8 * lane, true);
    const keyHigh = high ^ secretView.getInt32(secretOffset + 8 * lane + 4, true);
    addTo(lane, Math.imul(keyLow, keyHigh), highProduct(keyLow, keyHigh));
    addTo(lane ^ 1, low, high);
  }
}

function addTo(lane: number, low: number, high: number): void {
  const sum = (lows[lane] >>> 0) + (low >>> 0);
  lows[lane] = sum;
  highs[lane] += high + (sum >= 0x100000000 ? 1 : 0);
}

/** The upper 32 bits of the product of two unsigned integers of 32 bits. */
function highProduct(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const other = aLow * bHigh + (middle % 0x10000);
  return aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(other / 0x10000) | 0;
}

function scramble(): void {
  for (let lane = 0; lane < LANES; lane++) {
    const keyOffset = SECRET_BYTES - STRIPE_BYTES + 8 * lane;
    const low = lows[lane] ^ (highs[lane] >>> 15) ^ secretView.getInt32(keyOffset, true);
    const high = highs[lane] ^ secretView.getInt32(keyOffset + 4, true);
    lows[lane] = Math.imul(low, PRIME32_1);
    highs[lane] = highProduct(low, PRIME32_1) + Math.imul(high, PRIME32_1);
  }
}

function rotateLeft(value: bigint, bits: bigint): bigint {
  return ((value << bits) | (value >> (64n - bits))) & MASK;
}

/** Both halves of a product of 128 bits, laid over each other. */
function foldedProduct(a: bigint, b: bigint): bigint {
  const product = a * b;
  return (product & MASK) ^ (product >> 64n);
}

function avalanche(sum: bigint): bigint {
  let hash = sum & MASK;
  hash ^= hash >> 37n;
  hash = (hash * PRIME_AVALANCHE) & MASK;
  return hash ^ (hash >> 32n);
}

function finish64(value: bigint): bigint {
  let hash = value ^ (value >> 33n);
  hash = (hash * PRIME64_2) & MASK;
  hash ^= hash >> 29n;
  hash = (hash * PRIME64_3) & MASK;
  return hash ^ (hash >> 32n);
}
