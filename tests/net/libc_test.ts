/** The C library: had only where it is allowed, and its errors are those of the runtime. */
import { assert, assertEquals } from "@std/assert";
import { mayUseLibc } from "../../src/base/native.ts";
import { openLibc, setNoDelay, systemError } from "../../src/net/libc.ts";
import { testWith } from "../support/tool_availability.ts";

Deno.test({
  name: "without the permission there is no C library, and nobody is asked",
  permissions: { ffi: false },
  fn: () => assertEquals([mayUseLibc(), openLibc()], [false, null]),
});

testWith(["epoll"], "a call that fails tells why, as the runtime would", () => {
  const libc = openLibc()!;
  assertEquals(libc.close(-1), -1);
  assertEquals([libc.errno(), libc.errorText(libc.errno())], [9, "Bad file descriptor"]);
  assert(systemError(libc, 98) instanceof Deno.errors.AddrInUse);
  assert(systemError(libc, 99) instanceof Deno.errors.AddrNotAvailable);
  assertEquals(systemError(libc, 98).message, "Address already in use (os error 98)");
});

testWith(["epoll"], "a socket of TCP sends small pieces at once or not, as it is told", () => {
  const libc = openLibc()!;
  const library = Deno.dlopen("libc.so.6", {
    getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  });
  const AF_INET = 2;
  const SOCK_STREAM = 1;
  const fd = libc.socket(AF_INET, SOCK_STREAM, 0);
  const isNoDelay = () => {
    const value = new Int32Array([-1]);
    assertEquals(library.symbols.getsockopt(fd, 6, 1, value, new Uint32Array([4])), 0);
    return value[0] !== 0;
  };
  assertEquals(isNoDelay(), false);
  setNoDelay(libc, fd, true);
  assertEquals(isNoDelay(), true);
  setNoDelay(libc, fd, false);
  assertEquals(isNoDelay(), false);
  libc.close(fd);
  library.close();
});

testWith(["epoll"], "memory is shared with a file, and what is no file is refused", async () => {
  const libc = openLibc()!;
  const path = await Deno.makeTempFile();
  await Deno.writeFile(path, new Uint8Array([1, 0, 0, 0, 2, 0, 0, 0]));
  const O_RDWR = 2;
  const fd = libc.open(new TextEncoder().encode(`${path}\0`), O_RDWR);
  const words = libc.mapWords(fd, 8, 0n)!;
  assertEquals([...words], [1, 2]);
  words[0] = 3;
  assertEquals(Deno.readFileSync(path)[0], 3);
  assertEquals(libc.munmap(words, 8n), 0);
  libc.close(fd);
  assertEquals(libc.mapWords(-1, 8, 0n), null);
  await Deno.remove(path);
});
