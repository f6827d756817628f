/**
 * Strict slices, for tests: the text of an integer that a slice shows is good until the slice is
 * filled again (base/bytes.ts). Who has noted where it stood, and looks there later, mostly sees
 * another number, but the right one if it is the same, or none at all in its place. Here each text
 * stands in an array of its own, and is scribbled over as soon as it has had its time: when its
 * slice is filled again, or given back at the end of a walk.
 *
 * To be imported for what it does; also by a server, with `deno run --preload`.
 */
import { Slice } from "../../src/base/bytes.ts";

const SCRIBBLE = 0x3f;
const fill = Slice.prototype.set;
const roomOf = Slice.prototype.room;
const rooms = new WeakMap<Slice, Uint8Array>();

/** Ends the time of the text that a slice has shown, unless that is what it is to show. */
function endText(slice: Slice, next: Uint8Array | null): void {
  const former = rooms.get(slice);
  if (former === undefined || former === next) return;
  former.fill(SCRIBBLE);
  rooms.delete(slice);
}

Slice.prototype.set = function (bytes, start, length) {
  endText(this, bytes);
  fill.call(this, bytes, start, length);
};

Slice.prototype.room = function () {
  endText(this, null);
  const room = roomOf.call(new Slice());
  rooms.set(this, room);
  return room;
};

Object.defineProperty(Slice.prototype, "isInRoom", {
  get(this: Slice): boolean {
    return this.bytes === rooms.get(this);
  },
});
