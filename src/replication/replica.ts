/**
 * Replica: a client that gets the stream of effects, as this server sees it, and the bytes it is
 * still to be sent:
 *
 *   lines (+FULLRESYNC …)  →  the data set, if it needs all of it  →  the stream, from its cursor
 *
 * The phases are those of Redis: it waits until an image can be made (`waitStart`), until that is
 * done (`waitEnd`), is sent the image (`sendBulk`), and follows (`online`).
 */
import { latin1Bytes } from "../base/bytes.ts";
import * as clock from "../base/clock.ts";
import type { Client, OutputSource } from "../session/client.ts";
import type { BacklogCursor } from "./backlog.ts";

/** Takes an RDB that ends with a mark of 40 bytes, instead of one whose length is known. */
export const CAPABILITY_EOF = 1 << 0;
/** Understands another history's id in +CONTINUE. */
export const CAPABILITY_PSYNC2 = 1 << 1;

/** What a client has said of itself with REPLCONF before it asked for the data. */
export interface ReplicaOptions {
  /** Port and address that others reach it by; 0 and "" if it did not say. */
  listeningPort: number;
  address: string;
  /** CAPABILITY_… */
  capabilities: number;
  /** It wants the data set, and not what follows. */
  isRdbOnly: boolean;
  /** What is left out of the data set. */
  excludesData: boolean;
  excludesLibraries: boolean;
}

/** A replica that has said nothing yet. */
export function unknownReplica(): ReplicaOptions {
  return {
    listeningPort: 0,
    address: "",
    capabilities: 0,
    isRdbOnly: false,
    excludesData: false,
    excludesLibraries: false,
  };
}

export type ReplicaPhase = "waitStart" | "waitEnd" | "sendBulk" | "online";

/** The data set on its way to one replica. */
export interface ReplicaImage {
  /** The bytes to be sent next; null if they are not there yet, or there are no more. */
  next(): Uint8Array<ArrayBuffer> | null;
  /** So many of the bytes that `next` gave are sent. */
  advance(byteCount: number): void;
  /** Whether all is sent. */
  readonly isDone: boolean;
  /** It is of no use any more. */
  release(): void;
}

/** What a replica's state decides elsewhere. */
export interface ReplicaListener {
  /** All of its image has been sent. */
  imageSent(replica: Replica): void;
  /** So many bytes for it were handed to the system. */
  bytesSent(byteCount: number): void;
}

export class Replica implements OutputSource {
  readonly client: Client;
  readonly options: ReplicaOptions;
  phase: ReplicaPhase = "waitStart";
  /** It used SYNC: it reports nothing, and is told nothing but the data. */
  isPrePsync = false;
  /** Where the stream stood when its image was made. */
  initialOffset = 0;
  /** How much of the stream it has, and has on its disk (since Redis 7.2), as it said. */
  ackOffset = 0;
  aofAckOffset = 0;
  /** When it said so, in ms since 1970. */
  ackMs = clock.nowMs();
  /** The stream must wait until it has said that it has found the end of its image. */
  startsOnAck = false;
  readonly #listener: ReplicaListener;
  /** When something of its image was sent, or there was nothing to send; ms since 1970. */
  #progressMs = clock.nowMs();
  #lines: Uint8Array<ArrayBuffer>[] = [];
  #image: ReplicaImage | null = null;
  #cursor: BacklogCursor | null = null;
  /** Where `written` is to be counted: what `next` gave last. */
  #given: "line" | "image" | "stream" = "line";

  constructor(client: Client, options: ReplicaOptions, listener: ReplicaListener) {
    this.client = client;
    this.options = options;
    this.#listener = listener;
  }

  /** Its address, "127.0.0.1:6380", with the port that it listens on if it has said that. */
  get name(): string {
    const { address, listeningPort } = this.options;
    const { peerAddress } = this.client.transport;
    const end = peerAddress.lastIndexOf(":");
    if (listeningPort === 0) {
      return address === "" ? peerAddress : `${address}:<unknown-replica-port>`;
    }
    return `${address === "" ? peerAddress.slice(0, end) : address}:${listeningPort}`;
  }

  /** Its address without a port. */
  get host(): string {
    const { address } = this.options;
    if (address !== "") return address;
    const { peerAddress } = this.client.transport;
    const host = peerAddress.slice(0, peerAddress.lastIndexOf(":"));
    return host.startsWith("[") ? host.slice(1, -1) : host;
  }

  /** The port it listens on, as it said; 0 if it did not. */
  get port(): number {
    return this.options.listeningPort;
  }

  /** Whether it gets the stream now. */
  get isStreaming(): boolean {
    return this.phase === "online" && !this.startsOnAck;
  }

  /** Whether all of its image has been sent, or handed to the system. */
  get hasImage(): boolean {
    return this.#image === null || this.#image.isDone;
  }

  /** Whether it is sent nothing for the time being, and must be told that we are alive. */
  get isIdle(): boolean {
    return this.phase === "waitStart" || (this.phase === "waitEnd" && this.#image === null);
  }

  /**
   * Since when nothing has been heard of it, or taken by it, in ms since 1970; null if it may be
   * silent: it is not to blame for what is not there yet. Called now and then.
   */
  silentSince(nowMs: number): number | null {
    if (this.phase === "online") return this.isPrePsync ? null : this.ackMs;
    if (this.#image === null) return null;
    if (this.#image.next() !== null) return this.#progressMs;
    this.#progressMs = nowMs;
    return null;
  }

  /** Bytes that wait for it: the image does not count, for it is held nowhere. */
  get pendingBytes(): number {
    return this.#cursor === null ? 0 : this.#cursor.pendingBytes;
  }

  /** From here on it gets the stream; its former place is given up. */
  follow(cursor: BacklogCursor): void {
    this.#cursor?.release();
    this.#cursor = cursor;
  }

  /** Sends a line of text as it is, before all else. */
  sendLine(text: string): void {
    this.#lines.push(latin1Bytes(text));
    this.client.transport.requestFlush();
  }

  /** Sends the data set, before the stream. */
  sendImage(image: ReplicaImage): void {
    this.#image?.release();
    this.#image = image;
    this.#progressMs = clock.nowMs();
    this.client.transport.requestFlush();
  }

  /** There may be something to send again. */
  wake(): void {
    this.client.transport.requestFlush();
  }

  /** The client is gone. */
  release(): void {
    this.#cursor?.release();
    this.#image?.release();
    this.#cursor = this.#image = null;
  }

  next(): Uint8Array<ArrayBuffer> | null {
    this.#given = "line";
    if (this.#lines.length > 0) return this.#lines[0];
    if (this.#image !== null) {
      this.#given = "image";
      const bytes = this.#image.next();
      if (bytes !== null || !this.#image.isDone) return bytes;
      this.#image.release();
      this.#image = null;
      this.#listener.imageSent(this);
    }
    if (!this.isStreaming || this.#cursor === null) return null;
    this.#given = "stream";
    return this.#cursor.next();
  }

  written(byteCount: number): void {
    this.#listener.bytesSent(byteCount);
    switch (this.#given) {
      case "line": {
        const line = this.#lines[0];
        if (byteCount === line.length) this.#lines.shift();
        else this.#lines[0] = line.subarray(byteCount);
        return;
      }
      case "image":
        this.#progressMs = clock.nowMs();
        this.#image?.advance(byteCount);
        return;
      case "stream":
        this.#cursor?.advance(byteCount);
    }
  }
}
