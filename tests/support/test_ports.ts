/**
 * The TCP ports that tests may listen at. Processes that run tests side by side get each a share,
 * in the variable REDENO_TEST_PORTS ("12000-21999"): two that draw from the same ports would
 * sometimes take the same one.
 */

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** Below the ports that the system gives to those who connect, and above well-known ones. */
const ALL_PORTS: PortRange = { first: 12_000, last: 31_999 };
const VARIABLE = "REDENO_TEST_PORTS";

/** The ports of this process. Throws a TypeError if the variable cannot be read. */
export function testPorts(text = Deno.env.get(VARIABLE)): PortRange {
  if (text === undefined) return ALL_PORTS;
  const match = /^(\d{1,5})-(\d{1,5})$/.exec(text);
  const range = { first: Number(match?.[1]), last: Number(match?.[2]) };
  if (range.first >= 1 && range.first <= range.last && range.last <= 65_535) return range;
  throw new TypeError(`Cannot use ${VARIABLE}: expected "first-last": "${text}"`);
}

/** The environment that gives one of `count` processes its share of these ports. */
export function shareOfPorts(
  index: number,
  count: number,
  { first, last }: PortRange,
): Record<string, string> {
  const each = Math.floor((last - first + 1) / count);
  const from = first + index * each;
  return { [VARIABLE]: `${from}-${from + each - 1}` };
}
