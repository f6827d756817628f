/**
 * TCP proxy: stands between two servers and is as bad a network as a test wants: it cuts
 * connections at once or behind so many bytes, in the middle of whatever goes through, holds bytes
 * back, in one direction or in both, or swallows them.
 */

/** What happens to the bytes that come from the target. */
type Flow = "passed" | "held" | "swallowed";

export class TcpProxy implements Disposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 }) as Deno.TcpListener;
  readonly #targetPort: number;
  readonly #links = new Set<Link>();
  #flow: Flow = "passed";
  #isRefusing = false;
  /** Whether bytes to the target are held back, too. */
  #isParted = false;
  /** Bytes from the target that connections may still bring before they are cut. */
  #bytesLeft = Infinity;
  #release = Promise.withResolvers<void>();
  /** Connections so far, and bytes that came from the target. */
  connectionCount = 0;
  byteCount = 0;
  cutCount = 0;

  /** Listens on a free port and connects to `targetPort` of this machine. */
  constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#accept();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** Cuts all connections now; those to come are served. */
  cut(): void {
    this.#bytesLeft = Infinity;
    for (const link of this.#links) link.close();
    this.cutCount++;
  }

  /** Cuts the connection that brings the byte with this number from now on, after it. */
  cutAfter(byteCount: number): void {
    this.#bytesLeft = byteCount;
  }

  /** What comes from the target is held back until `pass`. */
  hold(): void {
    this.#flow = "held";
    this.#release = Promise.withResolvers();
  }

  /** Nothing gets through in either direction until `pass`, and nobody is told. */
  part(): void {
    this.hold();
    this.#isParted = true;
  }

  /** What comes from the target is lost, and its sender does not hear of it. */
  swallow(): void {
    this.#flow = "swallowed";
  }

  /** All is well again. */
  pass(): void {
    this.#flow = "passed";
    this.#isRefusing = this.#isParted = false;
    this.#release.resolve();
  }

  /** Cuts all connections, and further ones at once. */
  refuse(): void {
    this.#isRefusing = true;
    this.cut();
  }

  [Symbol.dispose](): void {
    this.#listener.close();
    this.#release.resolve();
    for (const link of this.#links) link.close();
  }

  async #accept(): Promise<void> {
    for await (const client of this.#listener) {
      if (this.#isRefusing) {
        client.close();
        continue;
      }
      this.connectionCount++;
      this.#serve(client).catch(() => client.close());
    }
  }

  async #serve(client: Deno.TcpConn): Promise<void> {
    const target = await Deno.connect({ hostname: "127.0.0.1", port: this.#targetPort });
    const link = new Link(client, target);
    this.#links.add(link);
    const there = pump(client, target, (bytes) => this.#toTarget(bytes), () => false);
    const back = pump(
      target,
      client,
      (bytes) => this.#fromTarget(bytes, link),
      () => link.isUsedUp,
    );
    await Promise.race([there, back]);
    link.close();
    this.#links.delete(link);
  }

  async #toTarget(bytes: Uint8Array): Promise<Uint8Array> {
    if (this.#isParted) await this.#release.promise;
    return bytes;
  }

  /** What becomes of bytes from the target. Decided at once: other links have bytes, too. */
  async #fromTarget(bytes: Uint8Array, link: Link): Promise<Uint8Array> {
    if (this.#flow === "held") await this.#release.promise;
    if (this.#flow === "swallowed") return bytes.subarray(0, 0);
    const passed = bytes.subarray(0, Math.min(bytes.length, this.#bytesLeft));
    this.byteCount += passed.length;
    this.#bytesLeft -= passed.length;
    if (this.#bytesLeft === 0) {
      // The next one may bring what it likes.
      this.#bytesLeft = Infinity;
      link.isUsedUp = true;
      this.cutCount++;
    }
    return passed;
  }
}

/** Carries what `through` makes of the bytes until one side ends, or `isOver`. */
async function pump(
  from: Deno.TcpConn,
  to: Deno.TcpConn,
  through: (bytes: Uint8Array) => Promise<Uint8Array>,
  isOver: () => boolean,
): Promise<void> {
  const buffer = new Uint8Array(16 * 1024);
  try {
    for (let count = await from.read(buffer); count !== null; count = await from.read(buffer)) {
      const bytes = await through(buffer.subarray(0, count));
      for (let at = 0; at < bytes.length;) at += await to.write(bytes.subarray(at));
      if (isOver()) return;
    }
  } catch {
    // One side is gone; that is what the caller hears.
  }
}

class Link {
  /** Whether it has brought all that it may. */
  isUsedUp = false;
  readonly #ends: Deno.TcpConn[];

  constructor(...ends: Deno.TcpConn[]) {
    this.#ends = ends;
  }

  close(): void {
    for (const end of this.#ends) {
      try {
        end.close();
      } catch {
        // It is closed already.
      }
    }
  }
}
