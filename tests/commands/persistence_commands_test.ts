/** SAVE, BGSAVE and LASTSAVE: replies and errors. */
import { assert, assertEquals } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";

async function withServer(body: (server: EmbeddedServer) => Promise<void>): Promise<void> {
  const directory = Deno.makeTempDirSync();
  const server = new EmbeddedServer();
  server.server.config.dir = directory;
  try {
    await body(server);
  } finally {
    server[Symbol.dispose]();
    await server.server.close();
    Deno.removeSync(directory, { recursive: true });
  }
}

async function saved(server: EmbeddedServer): Promise<void> {
  const { persistence } = server.server;
  while (persistence.rdb.isSaving) await new Promise((resolve) => setTimeout(resolve, 1));
}

Deno.test("SAVE answers OK, and a bare ERR if the file cannot be written", async () => {
  await withServer((server) => {
    assertEquals(server.raw("SAVE"), "+OK\r\n");
    server.server.config.dir = "/nonexistent";
    server.server.log.level = "warning";
    assertEquals(server.raw("SAVE"), "-ERR\r\n");
    return Promise.resolve();
  });
});

Deno.test("BGSAVE starts, refuses a second one, and knows one word", async () => {
  await withServer(async (server) => {
    assertEquals(server.raw("BGSAVE", "now"), "-ERR syntax error\r\n");
    assertEquals(server.raw("BGSAVE", "SCHEDULE", "x"), "-ERR syntax error\r\n");
    assertEquals(server.raw("BGSAVE"), "+Background saving started\r\n");
    const refused = "-ERR Background save already in progress\r\n";
    assertEquals(server.raw("BGSAVE"), refused);
    assertEquals(server.raw("BGSAVE", "SCHEDULE"), refused);
    assertEquals(server.raw("SAVE"), refused);
    await saved(server);
    assertEquals(server.raw("BGSAVE", "schedule"), "+Background saving started\r\n");
    await saved(server);
  });
});

Deno.test("BGSAVE in a transaction is scheduled", async () => {
  await withServer((server) => {
    server.run("MULTI");
    server.run("BGSAVE");
    assertEquals(server.run("EXEC"), ["Background saving scheduled"]);
    return Promise.resolve();
  });
});

Deno.test("BGSAVE beside a rewrite asks for patience", async () => {
  await withServer(async (server) => {
    const { config, persistence } = server.server;
    const rewrite = persistence.rdb.runRewrite(`${config.dir}/base`, true);
    assertEquals(
      server.raw("BGSAVE"),
      "-ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE " +
        "in order to schedule a BGSAVE whenever possible.\r\n",
    );
    assertEquals(server.raw("BGSAVE", "SCHEDULE"), "+Background saving scheduled\r\n");
    await rewrite;
  });
});

Deno.test("LASTSAVE is the time of the last save in seconds", async () => {
  await withServer((server) => {
    const { rdb } = server.server.persistence;
    rdb.lastSaveMs = 1_600_000_000_999;
    assertEquals(server.run("LASTSAVE"), 1_600_000_000);
    server.run("SAVE");
    assert((server.run("LASTSAVE") as number) > 1_600_000_000);
    return Promise.resolve();
  });
});
