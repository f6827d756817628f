/** Kernel syncs: files are synced beside the event loop, and errors are those of the system. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { EventLoop } from "../../src/net/event_loop.ts";
import { KernelSyncs } from "../../src/net/kernel_syncs.ts";
import { EpollServer } from "../support/epoll_server.ts";
import { utf8 } from "../support/text.ts";
import { testUnless } from "../support/tool_availability.ts";
import { mayUseLibc } from "../../src/base/native.ts";
import { openLibc } from "../../src/net/libc.ts";

/** Why there is no io_uring, or null. */
async function hindrance(): Promise<string | null> {
  if (!mayUseLibc()) return "needs Linux and the permission ffi";
  const loop = (await EventLoop.open())!;
  const syncs = KernelSyncs.open(loop);
  syncs?.close();
  loop.close();
  return syncs === null ? "io_uring is not there, or forbidden" : null;
}
const HINDRANCE = await hindrance();

/** An open file whose number is known. */
class NativeFile {
  readonly #libc = openLibc()!;
  readonly fd: number;

  constructor(path: string) {
    const O_WRONLY_APPEND = 0x401;
    this.fd = this.#libc.open(utf8(`${path}\0`), O_WRONLY_APPEND);
    assert(this.fd >= 0);
  }

  append(text: string): void {
    assertEquals(this.#libc.write(this.fd, utf8(text), text.length), text.length);
  }

  close(): void {
    this.#libc.close(this.fd);
  }
}

/** A loop that runs, and the kernel's syncs beside it. */
async function withSyncs(run: (syncs: KernelSyncs) => Promise<void>): Promise<void> {
  await using server = await EpollServer.start();
  const syncs = KernelSyncs.open(server.eventLoop)!;
  try {
    await run(syncs);
  } finally {
    syncs.close();
  }
}

testUnless(HINDRANCE, {
  name: "files are synced, several at once, and more often than the rings have room",
  fn: () =>
    withSyncs(async (syncs) => {
      const path = await Deno.makeTempFile();
      const files = [1, 2, 3].map(() => new NativeFile(path));
      for (let round = 0; round < 40; round++) {
        for (const file of files) file.append("x");
        await Promise.all(files.map(({ fd }) => syncs.sync(fd)));
      }
      const many = Array.from({ length: 50 }, () => syncs.sync(files[0]!.fd));
      // Those that find no room are refused at once, and do no harm to the others.
      assert(many.includes(null));
      await Promise.all(many);
      await syncs.sync(files[0]!.fd);
      assertEquals(Deno.statSync(path).size, 120);
      for (const file of files) file.close();
      await Deno.remove(path);
    }),
});

testUnless(HINDRANCE, {
  name: "what the kernel cannot sync rejects with its error",
  fn: () =>
    withSyncs(async (syncs) => {
      const file = new NativeFile("/dev/null");
      await assertRejects(() => syncs.sync(file.fd)!, Error, "Invalid argument (os error 22)");
      await assertRejects(() => syncs.sync(9999)!, Error, "Bad file descriptor (os error 9)");
      file.close();
    }),
});
