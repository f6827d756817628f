/**
 * Recording I/O: stands for the sockets of MIGRATE where a test plays the other side. It keeps what
 * was asked for, and answers as told; with "+OK" to everything unless told otherwise.
 */
import { decodeReply, ReplyReader } from "../../src/protocol/reply_reader.ts";
import type {
  ConnectOutcome,
  Exchange,
  SynchronousIo,
} from "../../src/replication/migration_sockets.ts";
import { toPlain } from "./resp_reply.ts";
import { concatBytes, fromLatin1 } from "./text.ts";

export class RecordingIo implements SynchronousIo {
  /** "host:port" of each connection that was made. */
  readonly connects: string[] = [];
  readonly closed: number[] = [];
  /** All requests, as words. */
  readonly requests: string[][] = [];
  stopCount = 0;
  connectOutcome: ConnectOutcome = "connected";
  /** The next exchanges end like this; the last one stays. */
  answers: Exchange[] = [];

  set answer(exchange: Exchange) {
    this.answers = [exchange];
  }

  /** One reply per request: 1 for "+OK", or the text of an error. */
  set replies(replies: readonly (1 | string)[]) {
    const acknowledged = Uint8Array.from(replies, (reply) => reply === 1 ? 1 : 0);
    const firstError = replies.find((reply) => reply !== 1) ?? "";
    this.answer = { end: "done", isTimeout: false, acknowledged, firstError: String(firstError) };
  }

  connect(_id: number, host: string, port: number): ConnectOutcome {
    if (this.connectOutcome === "connected") this.connects.push(`${host}:${port}`);
    return this.connectOutcome;
  }

  exchange(
    _id: number,
    chunks: readonly Uint8Array<ArrayBuffer>[],
    replyCount: number,
  ): Exchange {
    const reader = new ReplyReader();
    reader.write(concatBytes(chunks));
    for (let bytes = reader.next(); bytes !== null; bytes = reader.next()) {
      const words = toPlain(decodeReply(bytes), (word) => fromLatin1(word)) as string[];
      this.requests.push(words);
    }
    const answer = this.answers.length > 1 ? this.answers.shift() : this.answers[0];
    const acknowledged = new Uint8Array(replyCount).fill(1);
    return answer ?? { end: "done", isTimeout: false, acknowledged, firstError: "" };
  }

  close(id: number): void {
    this.closed.push(id);
  }

  stop(): void {
    this.stopCount++;
  }
}
