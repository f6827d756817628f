/** Cron: its pace. What it does is tested with those who do it. */
import { assertEquals } from "@std/assert";
import { Cron } from "../../src/server/cron.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";

Deno.test("CONFIG SET hz changes the pace of a cron that runs", () => {
  using server = new EmbeddedServer();
  const paces: number[] = [];
  const due: (() => void)[] = [];
  const { setInterval: realSetInterval, clearInterval: realClearInterval } = globalThis;
  Object.assign(globalThis, {
    setInterval: (run: () => void, ms: number) => {
      paces.push(ms);
      due.push(run);
      return due.length;
    },
    clearInterval: () => {},
  });
  try {
    const cron = new Cron(server.server);
    cron.start();
    due.at(-1)!();
    server.run("CONFIG", "SET", "hz", "50");
    due.at(-1)!();
    due.at(-1)!();
    assertEquals(paces, [100, 20]);
    assertEquals(cron.ticks, 3);
    cron.stop();
  } finally {
    Object.assign(globalThis, {
      setInterval: realSetInterval,
      clearInterval: realClearInterval,
    });
  }
});
