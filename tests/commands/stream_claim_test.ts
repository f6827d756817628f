/**
 * XREADGROUP … CLAIM of Redis 8.4: who reads new entries also gets those that others have had
 * pending for too long. Replies are those of the public documentation of that version.
 */
import { assertEquals } from "@std/assert";
import * as clock from "../../src/base/clock.ts";
import { type EmbeddedClient, EmbeddedServer } from "../support/embedded_server.ts";
import { RecordedEffects } from "../support/recorded_effects.ts";
import { expectReplies, repliesIn3, type Row } from "./sorted_set_suite.ts";

const START_MS = 1_700_000_000_000;

/** Runs a test while the clock stands; `await`s nothing. */
function atStandingClock(test: () => void): void {
  clock.setTimeForTests(START_MS);
  try {
    test();
  } finally {
    clock.useRealTime();
  }
}

const PREPARED: readonly Row[] = [
  ["XADD s 1-0 f 1", "$3 1-0"],
  ["XADD s 2-0 f 2", "$3 2-0"],
  ["XADD s 3-0 f 3", "$3 3-0"],
  ["XADD s 4-0 f 4", "$3 4-0"],
  ["XGROUP CREATE s g 0", "+OK"],
  [
    "XREADGROUP GROUP g a COUNT 2 STREAMS s >",
    "*1 *2 $1 s *2 *2 $3 1-0 *2 $1 f $1 1 *2 $3 2-0 *2 $1 f $1 2",
  ],
];

const CLAIMED: readonly Row[] = [
  // Idle ones first, with their time and count before; then new ones with zeros, up to COUNT.
  [
    "XREADGROUP GROUP g b CLAIM 1000 COUNT 3 STREAMS s >",
    "*1 *2 $1 s *3 *4 $3 1-0 *2 $1 f $1 1 :1000 :1 *4 $3 2-0 *2 $1 f $1 2 :1000 :1 " +
    "*4 $3 3-0 *2 $1 f $1 3 :0 :0",
  ],
  ["XPENDING s g - + 9", "*3 *4 $3 1-0 $1 b :0 :2 *4 $3 2-0 $1 b :0 :2 *4 $3 3-0 $1 b :0 :1"],
  // None is idle any more.
  [
    "XREADGROUP GROUP g a CLAIM 1 STREAMS s >",
    "*1 *2 $1 s *1 *4 $3 4-0 *2 $1 f $1 4 :0 :0",
  ],
  ["XREADGROUP GROUP g a CLAIM 1 STREAMS s >", "*-1"],
  // Where COUNT leaves no room, new ones wait; a second CLAIM takes the place of the first.
  ["XADD s 5-0 f 5", "$3 5-0"],
  [
    "XREADGROUP CLAIM 9 GROUP g a CLAIM 0 COUNT 1 STREAMS s >",
    "*1 *2 $1 s *1 *4 $3 1-0 *2 $1 f $1 1 :0 :2",
  ],
  // The own history has no more elements than ever.
  ["XREADGROUP GROUP g a CLAIM 0 STREAMS s 3", "*1 *2 $1 s *1 *2 $3 4-0 *2 $1 f $1 4"],
];

Deno.test("CLAIM gives what has been idle before what is new", () => {
  atStandingClock(() => {
    using server = new EmbeddedServer();
    expectReplies(server, PREPARED);
    clock.advanceForTests(1000);
    expectReplies(server, CLAIMED);
  });
});

Deno.test("CLAIM gives the longest idle entries first, whatever their ids", () => {
  atStandingClock(() => {
    using server = new EmbeddedServer();
    for (let id = 1; id <= 40; id++) server.run("XADD", "s", `${id}-0`, "f", "v");
    server.run("XGROUP", "CREATE", "s", "g", "0");
    server.run("XREADGROUP", "GROUP", "g", "a", "STREAMS", "s", ">");
    // Of two that are idle for the same time the lower id comes first.
    const idleOf = (id: number) => 10_000 + Math.floor((id * 17 % 41) / 2) * 100;
    for (let id = 1; id <= 40; id++) {
      server.run("XCLAIM", "s", "g", "a", "0", `${id}-0`, "IDLE", String(idleOf(id)), "JUSTID");
    }
    const wanted = Array.from({ length: 40 }, (_, index) => index + 1)
      .sort((left, right) => idleOf(right) - idleOf(left));
    for (let start = 0; start < 40; start += 3) {
      const read = "XREADGROUP GROUP g b COUNT 3 CLAIM 5000 STREAMS s >".split(" ");
      const [[, entries]] = server.run(...read) as [[string, [string, string[], number][]]];
      const expected = wanted.slice(start, start + 3);
      assertEquals(
        entries.map(([id, , idleMs]) => [id, idleMs]),
        expected.map((id) => [`${id}-0`, idleOf(id)]),
      );
    }
  });
});

Deno.test("CLAIM in RESP3, for several streams", () => {
  atStandingClock(() => {
    using server = new EmbeddedServer();
    for (const key of ["s", "t"]) {
      server.run("XADD", key, "1-0", "f", "v");
      server.run("XGROUP", "CREATE", key, "g", "0");
    }
    server.run("XREADGROUP", "GROUP", "g", "a", "STREAMS", "s", ">");
    clock.advanceForTests(5);
    repliesIn3(server, [
      [
        "XREADGROUP GROUP g b CLAIM 5 STREAMS s t > >",
        "%2 $1 s *1 *4 $3 1-0 *2 $1 f $1 v :5 :1 $1 t *1 *4 $3 1-0 *2 $1 f $1 v :0 :0",
      ],
      ["XREADGROUP GROUP g b CLAIM 5 STREAMS s t > >", "_"],
    ]);
  });
});

const NOT_AN_INTEGER = "-ERR min-idle-time is not an integer";
const NEGATIVE = "-ERR min-idle-time must be a positive integer";
const REFUSED: readonly Row[] = [
  ["XREADGROUP GROUP g c CLAIM x STREAMS s >", NOT_AN_INTEGER],
  ["XREADGROUP GROUP g c CLAIM 5.5 STREAMS s >", NOT_AN_INTEGER],
  ["XREADGROUP GROUP g c CLAIM -0 STREAMS s >", NOT_AN_INTEGER],
  ["XREADGROUP GROUP g c CLAIM STREAMS s >", NOT_AN_INTEGER],
  ["XREADGROUP GROUP g c CLAIM -10 STREAMS s >", NEGATIVE],
  ["XREADGROUP GROUP g CLAIM 5 c STREAMS s >", "-ERR syntax error"],
  [
    "XREADGROUP GROUP g c STREAMS s CLAIM 5 >",
    "-NOGROUP No such key 'CLAIM' or consumer group 'g' in XREADGROUP with GROUP option",
  ],
  [
    "XREADGROUP GROUP h c CLAIM 5 STREAMS s >",
    "-NOGROUP No such key 's' or consumer group 'h' in XREADGROUP with GROUP option",
  ],
  [
    "XREAD CLAIM 5 STREAMS s 0",
    "-ERR The CLAIM option is only supported by XREADGROUP. You called XREAD instead.",
  ],
  // Whoever is refused leaves all as it was.
  ["XINFO CONSUMERS s g", "*0"],
];

Deno.test("a CLAIM that makes no sense is refused", () => {
  using server = new EmbeddedServer();
  server.run("XGROUP", "CREATE", "s", "g", "0", "MKSTREAM");
  expectReplies(server, REFUSED);
});

Deno.test("claimed entries stay pending in spite of NOACK, deleted ones are not given", () => {
  atStandingClock(() => {
    using server = new EmbeddedServer();
    expectReplies(server, PREPARED);
    clock.advanceForTests(50);
    expectReplies(server, [
      ["XDEL s 1-0 3-0", ":2"],
      [
        "XREADGROUP GROUP g b NOACK CLAIM 50 STREAMS s >",
        "*1 *2 $1 s *2 *4 $3 2-0 *2 $1 f $1 2 :50 :1 *4 $3 4-0 *2 $1 f $1 4 :0 :0",
      ],
      ["XPENDING s g - + 9", "*2 *4 $3 1-0 $1 a :50 :1 *4 $3 2-0 $1 b :0 :2"],
      ["XREADGROUP GROUP g b CLAIM 1 STREAMS s >", "*-1"],
    ]);
  });
});

Deno.test("claims are recorded as XCLAIM, and the place of the group if it moved", () => {
  atStandingClock(() => {
    using server = new EmbeddedServer();
    expectReplies(server, PREPARED);
    const effects = new RecordedEffects(server);
    clock.advanceForTests(1000);
    const read = (count: string) => {
      server.run(..."XREADGROUP GROUP g b CLAIM 1000 COUNT".split(" "), count, "STREAMS", "s", ">");
      return effects.takeLog();
    };
    const claim = (id: string, count: number, lastId: string) =>
      `XCLAIM s g b 0 ${id} TIME ${
        START_MS + 1000
      } RETRYCOUNT ${count} FORCE JUSTID LASTID ${lastId}`;
    assertEquals(read("1"), ["XGROUP CREATECONSUMER s g b", claim("1-0", 2, "2-0")]);
    assertEquals(read("2"), [
      claim("2-0", 2, "2-0"),
      claim("3-0", 1, "3-0"),
      "XGROUP SETID s g 3-0 ENTRIESREAD 3",
    ]);
    effects.takeDirty();
    assertEquals(read("0"), [claim("4-0", 1, "4-0"), "XGROUP SETID s g 4-0 ENTRIESREAD 4"]);
    assertEquals(read("0"), []);
    assertEquals(effects.takeDirty(), 1);
  });
});

/** Two consumers that wait for what is new, or has been idle for a second. */
class Waiting {
  readonly server = new EmbeddedServer();
  readonly #clients: EmbeddedClient[];

  constructor(prepared: readonly string[]) {
    for (const command of prepared) this.server.run(...command.split(" "));
    this.#clients = ["b", "c"].map((consumer) => {
      const client = this.server.connect();
      const read = `XREADGROUP GROUP g ${consumer} BLOCK 0 CLAIM 1000 STREAMS s >`;
      client.send(...read.split(" "));
      return client;
    });
  }

  /** Lets time pass until cron looks at it; what both have been answered then. */
  after(durationMs: number): string[] {
    clock.advanceForTests(durationMs);
    this.server.server.blocking.wakeDue();
    return this.#clients.map((client) => client.takeRaw().replaceAll("\r\n", " ").trimEnd());
  }

  [Symbol.dispose](): void {
    this.server[Symbol.dispose]();
  }
}

const entryOf = (idleMs: number, count: number) =>
  `*1 *2 $1 s *1 *4 $3 1-0 *2 $1 f $1 v :${idleMs} :${count}`;
const PENDING = ["XADD s 1-0 f v", "XGROUP CREATE s g 0", "XREADGROUP GROUP g a STREAMS s >"];

Deno.test("entries become idle while consumers wait, one after the other", () => {
  atStandingClock(() => {
    using waiting = new Waiting(PENDING);
    assertEquals(waiting.after(999), ["", ""]);
    assertEquals(waiting.after(1), [entryOf(1000, 1), ""]);
    assertEquals(waiting.after(999), ["", ""]);
    assertEquals(waiting.after(1), ["", entryOf(1000, 2)]);
    assertEquals(waiting.server.server.blocking.blockedCount, 0);
  });
});

Deno.test("a new entry serves one consumer, and the other when the first lets it lie", () => {
  atStandingClock(() => {
    using waiting = new Waiting(["XGROUP CREATE s g 0 MKSTREAM"]);
    waiting.server.run("XADD", "s", "1-0", "f", "v");
    assertEquals(waiting.after(0), [entryOf(0, 0), ""]);
    assertEquals(waiting.after(1500), ["", entryOf(1500, 1)]);
  });
});

Deno.test("what becomes pending unseen by those who wait is found in time", () => {
  atStandingClock(() => {
    using waiting = new Waiting(["XGROUP CREATE s g 0 MKSTREAM"]);
    const { server } = waiting;
    server.run("MULTI");
    for (const command of ["XADD s 1-0 f v", "XREADGROUP GROUP g a STREAMS s >"]) {
      server.run(...command.split(" "));
    }
    server.run("EXEC");
    assertEquals(waiting.after(900), ["", ""]);
    assertEquals(waiting.after(100), [entryOf(1000, 1), ""]);
  });
});

Deno.test("an entry that is acknowledged in time wakes nobody", () => {
  atStandingClock(() => {
    using waiting = new Waiting(PENDING);
    waiting.server.run("XACK", "s", "g", "1-0");
    assertEquals(waiting.after(5000), ["", ""]);
    waiting.server.run("XGROUP", "DESTROY", "s", "g");
    const gone = "-NOGROUP the consumer group this client was blocked on no longer exists";
    assertEquals(waiting.after(0), [gone, gone]);
    // Those who are gone leave nothing behind.
    assertEquals(waiting.after(5000), ["", ""]);
  });
});
