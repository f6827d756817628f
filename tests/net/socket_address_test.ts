/** Socket addresses, as the kernel has them. */
import { assertEquals } from "@std/assert";
import {
  addressText,
  AF_INET,
  AF_INET6,
  AF_UNIX,
  familyOf,
  inetAddress,
  isLoopbackAddress,
  portOf,
  unixAddress,
} from "../../src/net/socket_address.ts";

Deno.test("an address of IPv4 has its port and bytes in the order of the network", () => {
  const bytes = inetAddress("192.0.2.7", 6379)!;
  assertEquals([...bytes.subarray(0, 8)], [AF_INET, 0, 0x18, 0xeb, 192, 0, 2, 7]);
  assertEquals([bytes.length, portOf(bytes), addressText(bytes)], [16, 6379, "192.0.2.7:6379"]);
});

Deno.test("an address of IPv6 is shown in its shortest form", () => {
  const forms: Record<string, string> = {
    "::1": "[::1]:80",
    "::": "[::]:80",
    "2001:db8:0:0:1:0:0:1": "[2001:db8::1:0:0:1]:80",
    "fe80::": "[fe80::]:80",
    "::ffff:127.0.0.1": "127.0.0.1:80",
  };
  for (const [address, text] of Object.entries(forms)) {
    const bytes = inetAddress(address, 80)!;
    assertEquals([familyOf(bytes), bytes.length, addressText(bytes)], [AF_INET6, 28, text]);
  }
});

Deno.test("a name, or what only looks like an address, is none", () => {
  for (const name of ["localhost", "", "1.2.3", "1.2.3.256", "1.2.3.4.5", "::g", "a:b"]) {
    assertEquals(inetAddress(name, 1), null, name);
  }
});

Deno.test("what is on this machine is known by its address", () => {
  const local = ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"];
  const foreign = ["128.0.0.1", "10.127.0.1", "::2", "::ffff:192.0.2.1", "2001:db8::7f00:1"];
  for (const address of local) assertEquals(isLoopbackAddress(inetAddress(address, 1)!), true);
  for (const address of foreign) assertEquals(isLoopbackAddress(inetAddress(address, 1)!), false);
});

Deno.test("the path of a unix socket ends with a zero and has its limit", () => {
  const bytes = unixAddress("/à")!;
  assertEquals([...bytes], [AF_UNIX, 0, 0x2f, 0xc3, 0xa0, 0]);
  assertEquals(unixAddress("x".repeat(107))!.length, 2 + 107 + 1);
  assertEquals([unixAddress("x".repeat(108)), unixAddress("")], [null, null]);
});
