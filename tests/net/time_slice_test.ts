/** Time slice: what the kernel is told, and what it makes of it for a thread and its children. */
import { assertEquals } from "@std/assert";
import type { Libc } from "../../src/net/libc.ts";
import { SHORT_SLICE_NS, shortenTimeSlice } from "../../src/net/time_slice.ts";
import { testWith } from "../support/tool_availability.ts";
import type { SliceReport } from "./time_slice_worker.ts";

type Call = Parameters<Libc["syscall"]>;

/** A kernel that schedules the calling thread by `policy`, and notes what it is told. */
function pretendKernel(policy: number, result = 0) {
  const told: { flags: bigint; nice: number; slice: bigint; size: number }[] = [];
  const syscall = (...[, thread, buffer, third]: Call): number => {
    assertEquals(thread, 0, "the calling thread is meant");
    const bytes = buffer as Uint8Array<ArrayBuffer>;
    const attributes = new DataView(bytes.buffer);
    if (third !== 0) {
      assertEquals(third, bytes.length);
      attributes.setUint32(0, bytes.length, true);
      attributes.setUint32(4, policy, true);
      attributes.setBigUint64(8, 0x10n, true);
      attributes.setInt32(16, 7, true);
      return result;
    }
    told.push({
      size: attributes.getUint32(0, true),
      flags: attributes.getBigUint64(8, true),
      nice: attributes.getInt32(16, true),
      slice: attributes.getBigUint64(24, true),
    });
    return result;
  };
  return { libc: { syscall }, told };
}

const IS_KNOWN = Deno.build.arch === "x86_64" || Deno.build.arch === "aarch64";

Deno.test("a thread of the usual policy gets a short slice, its children do not", () => {
  const { libc, told } = pretendKernel(0);
  assertEquals(shortenTimeSlice(libc), IS_KNOWN);
  const expected = { size: 48, flags: 0x11n, nice: 7, slice: BigInt(SHORT_SLICE_NS) };
  assertEquals(told, IS_KNOWN ? [expected] : []);
});

Deno.test("a policy that somebody has chosen stays, and a kernel may refuse", () => {
  const SCHED_FIFO = 1;
  const chosen = pretendKernel(SCHED_FIFO);
  assertEquals([shortenTimeSlice(chosen.libc), chosen.told], [false, []]);
  const refusing = pretendKernel(0, -1);
  assertEquals([shortenTimeSlice(refusing.libc), refusing.told], [false, []]);
});

testWith(["epoll"], "the kernel takes it; threads made later have another slice", async () => {
  // On a thread of its own: that of the tests stays what it is.
  const url = import.meta.resolve("./time_slice_worker.ts");
  const worker = new Worker(url, { type: "module", name: "maker" });
  const { promise, resolve } = Promise.withResolvers<SliceReport>();
  worker.onmessage = ({ data }: MessageEvent<SliceReport>) => resolve(data);
  const { isTaken, makerSliceNs, childSliceNs } = await promise;
  worker.terminate();
  assertEquals(isTaken, true);
  // Kernels before 6.12 show none: then both are 0.
  const isShown = makerSliceNs !== 0;
  assertEquals(makerSliceNs, isShown ? SHORT_SLICE_NS : 0);
  assertEquals(
    childSliceNs > SHORT_SLICE_NS,
    isShown,
    `the slice of the child: ${childSliceNs} ns`,
  );
});
