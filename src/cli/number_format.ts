/**
 * Numbers as C's printf writes them in redis-cli's reports. Values are finite and not negative
 * unless said otherwise.
 */

/** `%.2f` */
export function formatFixed(value: number): string {
  return value.toFixed(2);
}

/** `%05.2f%%` */
export function formatPercent(value: number): string {
  return `${value.toFixed(2).padStart(5, "0")}%`;
}

/** A number of bytes in the largest unit that leaves at least one: 1003B, 4.03K, 100.00M … */
export function formatBytes(count: number): string {
  if (count < 0) return `-${formatBytes(-count)}`;
  if (count < 1024) return `${count}B`;
  const units = ["K", "M", "G", "T"];
  let value = count / 1024;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${formatFixed(value)}${units[unit]}`;
}
