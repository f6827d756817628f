/**
 * Entry of two Workers: "maker" shortens its time slice, makes the other, and reports the slices of
 * both.
 */
import { openLibc } from "../../src/net/libc.ts";
import { shortenTimeSlice } from "../../src/net/time_slice.ts";

/** Slices in nanoseconds, as the kernel tells them. */
export interface SliceReport {
  isTaken: boolean;
  makerSliceNs: number;
  childSliceNs: number;
}

interface WorkerScope {
  readonly name: string;
  postMessage(message: unknown): void;
}

const scope = globalThis as unknown as WorkerScope;
const libc = openLibc()!;

function sliceNs(): number {
  const bytes = new Uint8Array(48);
  const sysSchedGetattr = Deno.build.arch === "x86_64" ? 315n : 275n;
  libc.syscall(sysSchedGetattr, 0, bytes, bytes.length, 0);
  return Number(new DataView(bytes.buffer).getBigUint64(24, true));
}

if (scope.name === "child") {
  scope.postMessage(sliceNs());
} else {
  const isTaken = shortenTimeSlice(libc);
  const child = new Worker(import.meta.url, { type: "module", name: "child" });
  child.onmessage = ({ data }: MessageEvent<number>) => {
    child.terminate();
    const report: SliceReport = { isTaken, makerSliceNs: sliceNs(), childSliceNs: data };
    scope.postMessage(report);
  };
}
