/** The handshake: what is said in which order, and what is made of the answers. */
import { assertEquals } from "@std/assert";
import {
  Handshake,
  type HandshakeSettings,
  type HandshakeStep,
} from "../../src/replication/handshake.ts";
import { fromLatin1 } from "../support/text.ts";

const SETTINGS: HandshakeSettings = {
  user: "",
  password: "",
  listeningPort: 7001,
  announcedAddress: "",
  history: null,
  isFailover: false,
};
const ID = "0123456789012345678901234567890123456789";

/** The words of all requests in some bytes, separated by slashes. */
function said(bytes: Uint8Array | undefined): string {
  if (bytes === undefined) return "";
  const parts = fromLatin1(bytes).split(/\*\d+\r\n/).slice(1);
  return parts.map((part) => part.split("\r\n").filter((_, index) => index % 2 === 1).join(" "))
    .join("/");
}

/** Plays a master with these answers; returns what the replica said, and the last step. */
function play(settings: Partial<HandshakeSettings>, answers: string[]): [string[], HandshakeStep] {
  const handshake = new Handshake({ ...SETTINGS, ...settings });
  const words = [said(handshake.begin())];
  let last: HandshakeStep = {};
  for (const answer of answers) {
    last = handshake.take(answer);
    if (last.send !== undefined) words.push(said(last.send));
  }
  return [words, last];
}

Deno.test("a replica without data asks for all of them", () => {
  const [words, { outcome }] = play({}, ["+PONG", "+OK", "+OK", `+FULLRESYNC ${ID} 17`]);
  assertEquals(words, [
    "PING",
    "REPLCONF listening-port 7001/REPLCONF capa eof capa psync2",
    "PSYNC ? -1",
  ]);
  assertEquals(outcome, { kind: "full", start: { replicationId: ID, offset: 17 } });
});

Deno.test("password, user and announced address are said before PSYNC", () => {
  const settings = { user: "bob", password: "secret", announcedAddress: "10.0.0.1" };
  const [words] = play(settings, ["-NOAUTH Authentication required.", "+OK", "+OK", "+OK", "+OK"]);
  assertEquals(
    words[1],
    "AUTH bob secret/REPLCONF listening-port 7001/REPLCONF ip-address 10.0.0.1/" +
      "REPLCONF capa eof capa psync2",
  );
  assertEquals(words[2], "PSYNC ? -1");
  const [withoutUser] = play({ password: "secret" }, ["+PONG"]);
  assertEquals(withoutUser[1].split("/")[0], "AUTH secret");
});

Deno.test("a held history is gone on with at the byte behind its last one", () => {
  const history = { replicationId: ID, offset: 99 };
  const [words, { outcome }] = play({ history }, ["+PONG", "+OK", "+OK", "+CONTINUE"]);
  assertEquals(words[2], `PSYNC ${ID} 100`);
  assertEquals(outcome, { kind: "continue", replicationId: null });
  const other = "f".repeat(40);
  const renamed = play({ history }, ["+PONG", "+OK", "+OK", `+CONTINUE ${other}`]);
  assertEquals(renamed[1].outcome, { kind: "continue", replicationId: other });
});

Deno.test("FAILOVER is asked for with PSYNC, and not by SYNC", () => {
  const history = { replicationId: ID, offset: 0 };
  const answers = ["+PONG", "+OK", "+OK", "-ERR no"];
  const [words, { outcome }] = play({ history, isFailover: true }, answers);
  assertEquals(words[2], `PSYNC ${ID} 1 FAILOVER`);
  assertEquals(outcome, { kind: "refused", reason: "it does not take over: ERR no" });
});

Deno.test("what a master does not know of REPLCONF is no harm", () => {
  const [words, { remark }] = play({}, ["+PONG", "-ERR unknown", "-ERR unknown option"]);
  assertEquals(words[2], "PSYNC ? -1");
  assertEquals(remark?.includes("REPLCONF capa"), true);
});

Deno.test("a master that does not know PSYNC is asked by SYNC", () => {
  const [words, { outcome }] = play({}, ["+PONG", "+OK", "+OK", "-ERR unknown command 'PSYNC'"]);
  assertEquals(words[3], "SYNC");
  assertEquals(outcome, { kind: "old" });
});

Deno.test("empty lines before the answer to PSYNC only keep the connection alive", () => {
  const [words, { outcome }] = play({}, ["+PONG", "+OK", "+OK", "", "", `+FULLRESYNC ${ID} 0`]);
  assertEquals(words.length, 3);
  assertEquals(outcome?.kind, "full");
});

const REFUSALS: readonly (readonly [what: string, answers: string[], reason: string])[] = [
  ["an error in the place of PONG", ["-LOADING Redis is loading"], "LOADING"],
  ["a wrong password", ["+PONG", "-WRONGPASS invalid username-password pair"], "WRONGPASS"],
  ["a password that is missing", ["-NOAUTH", "-NOAUTH", "-NOAUTH", "-NOAUTH need"], "NOAUTH need"],
  ["a master without a master", ["+PONG", "+OK", "+OK", "-NOMASTERLINK Can't"], "NOMASTERLINK"],
  ["a master that loads", ["+PONG", "+OK", "+OK", "-LOADING Redis"], "LOADING Redis"],
  ["an id that is none", ["+PONG", "+OK", "+OK", "+FULLRESYNC abc 1"], "FULLRESYNC abc"],
  ["an offset that is none", ["+PONG", "+OK", "+OK", `+FULLRESYNC ${ID} x`], "FULLRESYNC"],
];

for (const [what, answers, reason] of REFUSALS) {
  Deno.test(`the handshake ends with the reason: ${what}`, () => {
    const settings = what === "a wrong password" ? { password: "secret" } : {};
    const [, { outcome }] = play(settings, answers);
    assertEquals(outcome?.kind, "refused");
    assertEquals(outcome?.kind === "refused" && outcome.reason.includes(reason), true);
  });
}
