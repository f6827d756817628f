/** The followed stream: what is applied, counted and passed on, however it arrives. */
import { assertEquals } from "@std/assert";
import { createMasterClient, FollowedStream } from "../../src/replication/followed_stream.ts";
import { GATE_MISCONF } from "../../src/session/gates.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { stream } from "../support/fake_master.ts";
import { SeededRandom, testSeed } from "../support/seeded_random.ts";
import { concatBytes, fromLatin1, latin1, until } from "../support/text.ts";

const START = 1000;

class Following implements Disposable {
  readonly embedded = new EmbeddedServer();
  readonly stream: FollowedStream;
  passedOn: Uint8Array[] = [];
  idleCount = 0;
  unsafeCount = 0;
  refused: string[] = [];
  broken = "";
  #buffer = new Uint8Array();

  constructor() {
    const { server } = this.embedded;
    const client = createMasterClient(server, { host: "::1", port: 7 }, () => {});
    this.stream = new FollowedStream({
      host: server,
      client,
      offset: START,
      applied: {
        feed: (bytes, start, length) => this.passedOn.push(bytes.slice(start, start + length)),
      },
      onIdle: () => {
        this.idleCount++;
        // The next read fills the buffer again, perhaps at once.
        this.#buffer.fill(0xa5);
      },
      onUnsafe: () => this.unsafeCount++,
      onBroken: (reason) => this.broken = reason,
      onRefused: (error, command) => this.refused.push(`${command}: ${error}`),
    });
  }

  take(bytes: Uint8Array): void {
    this.#buffer = bytes.slice();
    this.stream.take(this.#buffer, 0, bytes.length);
    this.#buffer.fill(0xa5);
  }

  get passedText(): string {
    return fromLatin1(concatBytes(this.passedOn));
  }

  [Symbol.dispose](): void {
    this.embedded[Symbol.dispose]();
  }
}

Deno.test("each command counts when it is applied, a transaction when it is over", () => {
  using following = new Following();
  const [set, multi, incr, exec] = ["SET a 1", "MULTI", "INCR a", "EXEC"].map(stream);
  following.take(concatBytes([set, multi, incr]));
  assertEquals(following.stream.appliedOffset, START + set.length);
  assertEquals(following.stream.receivedOffset, START + set.length + multi.length + incr.length);
  assertEquals(following.passedText, fromLatin1(set));
  following.take(exec);
  assertEquals(following.stream.appliedOffset, following.stream.receivedOffset);
  assertEquals(following.passedText, fromLatin1(concatBytes([set, multi, incr, exec])));
  assertEquals(following.embedded.run("GET", "a"), "2");
});

Deno.test("during a pause what comes is kept, and applied when it is over", async () => {
  using following = new Following();
  const { embedded } = following;
  const [first, second, third] = ["SET a 1", "INCR a", "INCR a"].map(stream);
  following.take(first);
  embedded.run("CLIENT", "PAUSE", "100000", "WRITE");
  following.take(second);
  following.take(third);
  assertEquals(following.idleCount, 3, "the link goes on");
  assertEquals(following.stream.appliedOffset, START + first.length);
  assertEquals(embedded.run("GET", "a"), "1");
  embedded.run("CLIENT", "UNPAUSE");
  await until("all is applied", () => embedded.run("GET", "a") === "3");
  assertEquals(following.passedText, fromLatin1(concatBytes([first, second, third])));
});

Deno.test("the stream is passed on byte for byte, however it is cut", async () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  const value = "x".repeat(20_000);
  const whole = concatBytes([
    stream("SELECT 2\nSET a 1\nMULTI\nINCR a\nRPUSH l 1 2 3\nEXEC\nPING"),
    stream(`SET big ${value}\nAPPEND big ${value}\nMULTI\nSET big2 ${value}\nEXEC`),
    latin1("\r\nINCR a\r\n"),
    stream("INCR a"),
  ]);
  for (let round = 0; round < 8; round++) {
    using following = new Following();
    const max = random.pick([60, 500, 30_000, whole.length]);
    for (let at = 0; at < whole.length;) {
      const { idleCount } = following;
      const length = 1 + random.below(max);
      following.take(whole.subarray(at, at + length));
      at += length;
      // Nothing is read before what has come is applied.
      await until("it is idle", () => following.idleCount > idleCount);
    }
    assertEquals(following.passedText, fromLatin1(whole), `seed ${seed}, round ${round}`);
    assertEquals(following.stream.appliedOffset, START + whole.length);
    following.embedded.run("SELECT", "2");
    assertEquals(following.embedded.run("GET", "a"), "4");
    assertEquals(following.embedded.run("STRLEN", "big"), 40_000);
  }
});

Deno.test("a long stretch of commands is applied in several turns, and others come between", async () => {
  using following = new Following();
  const count = 60_000;
  following.take(concatBytes(Array.from({ length: count }, () => latin1("INCR n\r\n"))));
  const first = Number(following.embedded.run("GET", "n"));
  assertEquals([first < count, following.idleCount], [true, 0]);
  await until("all is applied", () => following.idleCount === 1);
  assertEquals(following.embedded.run("GET", "n"), String(count));
  assertEquals(following.stream.appliedOffset, following.stream.receivedOffset);
});

Deno.test("an error is told with its command, and the stream goes on", () => {
  using following = new Following();
  following.take(stream("SET a x\nINCR a\nMULTI\nLPUSH a 1\nSET b 1\nEXEC\nNOPE\nSET c 1"));
  assertEquals(following.refused, [
    "incr: ERR value is not an integer or out of range",
    "exec: WRONGTYPE Operation against a key holding the wrong kind of value",
    ": ERR unknown command 'NOPE', with args beginning with: ",
  ]);
  assertEquals(following.embedded.run("MGET", "b", "c"), ["1", "1"]);
});

Deno.test("what is no request breaks the stream", () => {
  using following = new Following();
  following.take(latin1("*1\r\n$x\r\n"));
  assertEquals([following.broken, following.idleCount], ["invalid bulk length", 0]);
});

Deno.test("a stream that was ended applies nothing more", async () => {
  using following = new Following();
  following.take(concatBytes(Array.from({ length: 60_000 }, () => latin1("INCR n\r\n"))));
  const reached = following.embedded.run("GET", "n");
  following.stream.end();
  await new Promise<void>((resolve) => following.embedded.server.turn.afterwards(resolve));
  assertEquals(following.embedded.run("GET", "n"), reached);
});

Deno.test("a change that cannot be saved is told, and a PING is none", () => {
  using following = new Following();
  following.embedded.server.gates.set(GATE_MISCONF, true);
  following.take(stream("PING"));
  assertEquals(following.unsafeCount, 0);
  following.take(stream("SET a 1"));
  assertEquals(following.unsafeCount, 1);
});
