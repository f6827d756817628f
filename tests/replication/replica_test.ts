/** Replica: what it is sent, in which order, and what is known of it. */
import { assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { Backlog } from "../../src/replication/backlog.ts";
import {
  Replica,
  type ReplicaImage,
  type ReplicaOptions,
  unknownReplica,
} from "../../src/replication/replica.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { fromLatin1, latin1 } from "../support/text.ts";

/** An image of a text that comes when the test says so. */
class FakeImage implements ReplicaImage {
  text = "";
  isDone = false;
  isReleased = false;

  next(): Uint8Array<ArrayBuffer> | null {
    return this.text === "" ? null : latin1(this.text);
  }
  advance(byteCount: number): void {
    this.text = this.text.slice(byteCount);
  }
  release(): void {
    this.isReleased = true;
  }
}

function scene(options: Partial<ReplicaOptions> = {}) {
  const server = new EmbeddedServer();
  const events: string[] = [];
  const replica = new Replica(server.client.client, { ...unknownReplica(), ...options }, {
    imageSent: () => events.push("image sent"),
    bytesSent: (count) => events.push(String(count)),
  });
  const backlog = new Backlog(16 * 1024, 0);
  return { server, replica, backlog, events };
}

/** All that it is sent at present, in writes of at most `most` bytes. */
function drain(replica: Replica, most = Infinity): string {
  let text = "";
  for (let piece = replica.next(); piece !== null; piece = replica.next()) {
    const count = Math.min(piece.length, most);
    text += fromLatin1(piece.subarray(0, count));
    replica.written(count);
  }
  return text;
}

Deno.test("lines come first, then the image, then the stream from its cursor on", () => {
  const { server, replica, backlog, events } = scene();
  using _ = server;
  const image = new FakeImage();
  const stream = latin1("stream");
  replica.phase = "waitEnd";
  replica.follow(backlog.cursorAt(1));
  backlog.feed(stream, 0, stream.length);
  assertEquals([drain(replica), replica.pendingBytes], ["", 6]);
  replica.sendImage(image);
  image.text = "imag";
  replica.sendLine("line\r\n");
  assertEquals(drain(replica, 3), "line\r\nimag");
  assertEquals([replica.hasImage, events], [false, ["3", "3", "3", "1"]]);
  image.text = "e";
  assertEquals(drain(replica), "e");
  image.isDone = true;
  assertEquals([replica.hasImage, drain(replica), image.isReleased], [true, "", true]);
  assertEquals(events.at(-1), "image sent");
  replica.startsOnAck = true;
  replica.phase = "online";
  assertEquals(drain(replica), "");
  replica.startsOnAck = false;
  assertEquals([drain(replica, 4), replica.pendingBytes], ["stream", 0]);
});

Deno.test("its name is the address that it announces, or the one it comes from", () => {
  const names = [
    {},
    { listeningPort: 7000 },
    { address: "replica.example" },
    { listeningPort: 7000, address: "replica.example" },
  ].map((options) => {
    const { server, replica } = scene(options);
    using _ = server;
    return [replica.name, replica.host, replica.port];
  });
  assertEquals(names, [
    ["127.0.0.1:50000", "127.0.0.1", 0],
    ["127.0.0.1:7000", "127.0.0.1", 7000],
    ["replica.example:<unknown-replica-port>", "replica.example", 0],
    ["replica.example:7000", "replica.example", 7000],
  ]);
});

Deno.test("who may be silent, and who must be told that we are alive", () => {
  const { server, replica } = scene();
  using _ = server;
  const nowMs = clock.nowMs();
  const state = () => [replica.isIdle, replica.silentSince(nowMs + 5000) === null];
  assertEquals(state(), [true, true]);
  replica.phase = "waitEnd";
  assertEquals(state(), [true, true]);
  const image = new FakeImage();
  replica.sendImage(image);
  // As long as there is nothing to take, it cannot be late.
  assertEquals(state(), [false, true]);
  image.text = "image";
  assertEquals(state(), [false, false]);
  assertEquals(replica.silentSince(nowMs + 9000), nowMs + 5000);
  replica.next();
  replica.written(3);
  assertEquals(replica.silentSince(nowMs + 9000)! < nowMs + 5000, true);
  replica.phase = "online";
  assertEquals(state(), [false, false]);
  replica.isPrePsync = true;
  assertEquals(state(), [false, true]);
});

Deno.test("a replica that is gone gives up its place and its image", () => {
  const { server, replica, backlog } = scene();
  using _ = server;
  const image = new FakeImage();
  replica.follow(backlog.cursorAt(1));
  replica.sendImage(image);
  const bytes = new Uint8Array(64 * 1024);
  backlog.feed(bytes, 0, bytes.length);
  assertEquals(backlog.firstOffset, 1);
  replica.release();
  assertEquals([image.isReleased, backlog.firstOffset > 1], [true, true]);
});
