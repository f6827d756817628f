/** Human bytes: sizes as INFO shows them to people. */

/** A number of bytes for people: "919.19K". */
export function humanBytes(count: number): string {
  if (count < 1024) return `${count}B`;
  let unit = 0;
  let rest = count;
  for (; rest >= 1024 && unit < 5; unit++) rest /= 1024;
  return rest.toFixed(2) + "BKMGTP"[unit];
}
