/** Socket work: a job over a real connection, and what becomes of it when the other side errs. */
import { assertEquals } from "@std/assert";
import {
  JobRecord,
  OUTCOME_DONE,
  OUTCOME_READ_FAILED,
  OUTCOME_READ_TIMEOUT,
  OUTCOME_WRITE_FAILED,
  SocketWork,
  type WorkSocket,
} from "../../src/net/socket_work.ts";
import { fromLatin1, latin1 } from "../support/text.ts";

/** A socket that answers each read with the next of some texts, then with `end`. */
function scripted(texts: readonly string[], end: "end" | "silence"): WorkSocket {
  const waiting = [...texts];
  return {
    read(target) {
      const text = waiting.shift();
      if (text === undefined) return end === "end" ? Promise.resolve(null) : new Promise(() => {});
      target.set(latin1(text));
      return Promise.resolve(text.length);
    },
    write: (source) => Promise.resolve(source.length),
    close: () => {},
  };
}

/** The record of an exchange of `lineCount` lines over `socket`. */
async function exchange(socket: WorkSocket, lineCount: number, timeoutMs = 60_000) {
  const work = new SocketWork(() => Promise.resolve(socket));
  const opened = JobRecord.create(0);
  const address = { host: "h", port: 1, tls: null };
  await work.handle({ kind: "connect", id: 1, ...address, timeoutMs, record: opened.buffer });
  assertEquals(opened.outcome, OUTCOME_DONE);
  const record = JobRecord.create(lineCount);
  const chunks = [latin1("request")];
  await work.handle({ kind: "exchange", id: 1, chunks, timeoutMs, record: record.buffer });
  const again = JobRecord.create(1);
  await work.handle({ kind: "exchange", id: 1, chunks, timeoutMs: 1, record: again.buffer });
  // A socket that failed is none any more.
  assertEquals(again.outcome === OUTCOME_WRITE_FAILED, record.outcome !== OUTCOME_DONE);
  const { outcome, acknowledged, firstError } = record;
  return [outcome, [...acknowledged].join(""), fromLatin1(firstError)];
}

Deno.test("lines are read however they are cut", async () => {
  const texts = ["+", "OK\r", "\n-ERR a\r\n+O", "K\r\n-ERR b\r\n"];
  assertEquals(await exchange(scripted(texts, "end"), 4), [OUTCOME_DONE, "1010", "ERR a"]);
});

Deno.test("what came before an end counts", async () => {
  const actual = await exchange(scripted(["+OK\r\n-ERR a\r\n+OK"], "end"), 3);
  assertEquals(actual, [OUTCOME_READ_FAILED, "10", "ERR a"]);
});

Deno.test("a line that is neither +OK nor an error acknowledges nothing", async () => {
  for (
    const text of ["HTTP/1.1 400 Bad Request\r\n", ":1\r\n", "+QUEUED\r\n", "+OKAY\r\n", "\r\n"]
  ) {
    assertEquals(await exchange(scripted([text], "end"), 1), [OUTCOME_READ_FAILED, "", ""]);
  }
  const endless = Array.from({ length: 1000 }, () => "x".repeat(1000));
  assertEquals(await exchange(scripted(endless, "end"), 1), [OUTCOME_READ_FAILED, "", ""]);
});

Deno.test("whoever says more than he was asked is not trusted with further keys", async () => {
  const actual = await exchange(scripted(["+OK\r\n+OK\r\n"], "silence"), 1);
  assertEquals(actual, [OUTCOME_READ_FAILED, "1", ""]);
});

Deno.test("silence is a timeout", async () => {
  const actual = await exchange(scripted(["+OK\r\n"], "silence"), 2, 1);
  assertEquals(actual, [OUTCOME_READ_TIMEOUT, "1", ""]);
});

Deno.test("a connection that comes after its time is closed", async () => {
  const connected = Promise.withResolvers<WorkSocket>();
  const closed = Promise.withResolvers<void>();
  const work = new SocketWork(() => connected.promise);
  const record = JobRecord.create(0);
  const job = { id: 1, host: "h", port: 1, tls: null, timeoutMs: 1, record: record.buffer };
  await work.handle({ kind: "connect", ...job });
  assertEquals(record.outcome, OUTCOME_READ_TIMEOUT);
  connected.resolve({ ...scripted([], "end"), close: closed.resolve });
  await closed.promise;
});

Deno.test("who waits for a record goes on while it moves, and gives up when it does not", () => {
  assertEquals(JobRecord.create(0).wait(1), false);
  const record = JobRecord.create(1);
  record.finish(OUTCOME_DONE);
  assertEquals(record.wait(1e15), true);
});
