/**
 * The stream that these commands make, as servers of three generations dump it; uncompressed, the
 * last two arguments of XREADGROUP and XCLAIM aside:
 *
 *   XADD s 1-1 a 1; XADD s 2-0 a x; XADD s 2-5 b 2; XADD s 3-3 a 1 b 2; XDEL s 2-0
 *   XGROUP CREATE s g 0; XGROUP CREATE s h 2-5
 *   XREADGROUP GROUP g alice COUNT 2 STREAMS s >
 *   XCLAIM s g bob 0 1-1 TIME 1700000000000 RETRYCOUNT 7
 *   XCLAIM s g alice 0 2-5 TIME 1700000000001 RETRYCOUNT 1
 */
const NODE =
  "011000000000000000010000000000000001404b4b0000001f000301010101018161020001020100010001" +
  "0101040103010101dfff0281780204010001010104010101816202020106010001020102010201816102010181620202" +
  "010801ff";
const HALF = "000000000000000";
const PENDING_BOB = `${HALF}1${HALF}1`;
const PENDING_ALICE = `${HALF}2${HALF}5`;
const PENDING = `02${PENDING_BOB}0068e5cf8b01000007${PENDING_ALICE}0168e5cf8b01000001`;

const CONSUMERS = "0205616c696365" +
  `a0ecd920a2010000a0ecd920a201000001${PENDING_ALICE}03626f62a0ecd920a2010000a0ecd920a2010000` +
  `01${PENDING_BOB}`;
const FIRST_GROUP = `0303030101020004020167020581ffffffffffffffff${PENDING}${CONSUMERS}`;
const SECOND_GROUP = "0168020581ffffffffffffffff0000";

/**
 * What streams of Redis 8.6 on have behind their groups: producers are known for 100 s, at most 100
 * ids of each; p1 has sent "a" as 1-1, and "b" as 3-3; two were added, and one came again.
 */
export const PRODUCERS = "40644064" + "01" + "027031" + "02" + "01610101" + "01620303" + "0201";

/** Type and value of a DUMP payload, in hexadecimal. */
export const STREAM_PAYLOADS = {
  /** Redis 6.2.5. */
  15: `0f${NODE}030303020167020502${PENDING.slice(2)}0205616c696365` +
    `8aecd920a201000001${PENDING_ALICE}03626f628aecd920a201000001${PENDING_BOB}016802050000`,
  /** Redis 7.0.15. */
  19: `13${NODE}0303030101020004020167020581ffffffffffffffff${PENDING}0205616c696365` +
    `3eaad920a201000001${PENDING_ALICE}03626f623caad920a201000001${PENDING_BOB}` +
    "0168020581ffffffffffffffff0000",
  /** Valkey 9.1.2; of Redis 7.2 on. */
  21: `15${NODE}${FIRST_GROUP}${SECOND_GROUP}`,
  /** Redis 8.6, built from the layout. */
  26: `1a${NODE}${FIRST_GROUP}${SECOND_GROUP}${PRODUCERS}`,
  /** Redis 8.8, built from the layout: each group has pending entries of nobody, here none. */
  27: `1b${NODE}${FIRST_GROUP}00${SECOND_GROUP}00${PRODUCERS}`,
} as const;

/** The last one; of its pending entries, bob's is nobody's. */
export const NOBODYS_PAYLOAD = STREAM_PAYLOADS[27].replace(
  `01${PENDING_BOB}00`,
  `0001${PENDING_BOB}`,
);
