/** Socket address: what the kernel calls sockaddr, of IPv4, IPv6 and unix sockets (Linux). */

export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;

/** Room for any of them. */
export const ADDRESS_BYTES_MAX = 128;
/** A path may have one byte less: it ends with a zero. */
const UNIX_PATH_BYTES_MAX = 108;

const IPV4_BYTES = 16;
const IPV6_BYTES = 28;
const IPV4_START = 4;
const IPV6_START = 8;
const IPV6_WORDS = 8;

const DOTTED = /^\d{1,3}(?:\.\d{1,3}){3}$/;

/** The address and port of a socket of IPv4 or IPv6; null if `address` is not one but a name. */
export function inetAddress(address: string, port: number): Uint8Array<ArrayBuffer> | null {
  const parts = DOTTED.test(address) ? address.split(".").map(Number) : null;
  if (parts !== null && parts.every((part) => part <= 255)) {
    const bytes = newAddress(AF_INET, IPV4_BYTES);
    new DataView(bytes.buffer).setUint16(2, port);
    bytes.set(parts, IPV4_START);
    return bytes;
  }
  const words = ipv6Words(address);
  if (words === null) return null;
  const bytes = newAddress(AF_INET6, IPV6_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint16(2, port);
  words.forEach((word, index) => view.setUint16(IPV6_START + 2 * index, word));
  return bytes;
}

/** The address of a unix socket; null if the path is too long, or none. */
export function unixAddress(path: string): Uint8Array<ArrayBuffer> | null {
  const name = new TextEncoder().encode(path);
  if (name.length === 0 || name.length >= UNIX_PATH_BYTES_MAX) return null;
  const bytes = newAddress(AF_UNIX, 2 + name.length + 1);
  bytes.set(name, 2);
  return bytes;
}

/** AF_INET or another of them. */
export function familyOf(bytes: Uint8Array): number {
  return bytes[0]! | (bytes[1]! << 8);
}

export function portOf(bytes: Uint8Array): number {
  return (bytes[2]! << 8) | bytes[3]!;
}

/**
 * `address:port`, as clients are shown; one of IPv4 on a socket of IPv6 is shown as what it is.
 */
export function addressText(bytes: Uint8Array): string {
  const at = ipv4Start(bytes);
  if (at >= 0) {
    return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}:${portOf(bytes)}`;
  }
  return `[${ipv6Text(bytes)}]:${portOf(bytes)}`;
}

/** Whether it is on this machine. */
export function isLoopbackAddress(bytes: Uint8Array): boolean {
  const start = ipv4Start(bytes);
  return start >= 0 ? bytes[start] === 127 : ipv6Text(bytes) === "::1";
}

function newAddress(family: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  bytes[0] = family;
  return bytes;
}

/** Where the four bytes of IPv4 are, also of those within IPv6 (::ffff:…); -1 if there are none. */
function ipv4Start(bytes: Uint8Array): number {
  if (familyOf(bytes) === AF_INET) return IPV4_START;
  for (let at = IPV6_START; at < IPV6_START + 10; at++) if (bytes[at] !== 0) return -1;
  return bytes[IPV6_START + 10] === 0xff && bytes[IPV6_START + 11] === 0xff ? IPV6_START + 12 : -1;
}

/** "::1": the shortest form, as the standard for addresses in URLs has it. */
function ipv6Text(bytes: Uint8Array): string {
  const words: string[] = [];
  for (let index = 0; index < IPV6_WORDS; index++) {
    const at = IPV6_START + 2 * index;
    words.push(((bytes[at]! << 8) | bytes[at + 1]!).toString(16));
  }
  return new URL(`http://[${words.join(":")}]`).hostname.slice(1, -1);
}

/** The eight words of an address of IPv6; null if it is none. */
function ipv6Words(address: string): number[] | null {
  if (!address.includes(":") || !URL.canParse(`http://[${address}]`)) return null;
  const [head, tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const words = (text: string | undefined) =>
    text === undefined || text === "" ? [] : text.split(":").map((word) => parseInt(word, 16));
  const before = words(head);
  const behind = words(tail);
  const zeros = new Array(IPV6_WORDS - before.length - behind.length).fill(0);
  return [...before, ...zeros, ...behind];
}
