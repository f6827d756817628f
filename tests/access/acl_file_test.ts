/**
 * The ACL file, and `user` lines of the configuration.
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { dirname, join } from "@std/path";
import { loadUsersAtStart, userLines } from "../../src/access/acl_file.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { RespError } from "../support/resp_reply.ts";
import { missingReason, testUnless } from "../support/tool_availability.ts";

const HASH = "148de9c5a7a44d19e56cd9ae1a554bf67847afb0c58f6e12fa29ac7ddfca9940";

/** Runs a test with a directory for the file, which goes afterwards. */
function withFile(content: string, run: (server: EmbeddedServer, path: string) => void): void {
  const directory = Deno.makeTempDirSync({ prefix: "redeno_test_" });
  const path = join(directory, "users.acl");
  try {
    Deno.writeTextFileSync(path, content);
    using server = new EmbeddedServer([["aclfile", path]]);
    run(server, path);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

Deno.test("ACL LOAD and SAVE: the file holds a line for each user", () => {
  withFile("user a on >p ~* +@all\n\n user zed off\n", (server, path) => {
    assertEquals(server.run("ACL", "LOAD"), "OK");
    const lines = [
      `user a on #${HASH} ~* resetchannels +@all`,
      "user default on nopass ~* &* +@all",
      "user zed off resetchannels -@all",
    ];
    assertEquals(server.run("ACL", "LIST"), lines);
    assertEquals(server.run("ACL", "SAVE"), "OK");
    assertEquals(Deno.readTextFileSync(path), lines.map((line) => `${line}\n`).join(""));
    assertEquals(server.run("ACL", "LOAD"), "OK");
    assertEquals(server.run("ACL", "LIST"), lines);
  });
});

Deno.test("ACL LOAD tells all mistakes and changes nothing", () => {
  const content = 'user a on\nuser b +@foo\nuser a on\nfoo\nuser\nuser "x y" on\nuser c (+get\n';
  withFile(content, (server, path) => {
    const reply = server.run("ACL", "LOAD");
    assert(reply instanceof RespError);
    assertEquals(
      reply.message,
      `ERR ${path}:2: Error in applying operation '+@foo': Unknown command or category name in ` +
        `ACL. WARNING: Duplicate user 'a' found on line 3. ${path}:4 should start with user ` +
        `keyword followed by the username. ${path}:5 should start with user keyword followed by ` +
        `the username. ${path}:6: Syntax error. ${path}:7: Unmatched parenthesis in selector ` +
        "definition.WARNING: ACL errors detected, no change to the previously active ACL rules " +
        "was performed",
    );
    assertEquals(server.run("ACL", "USERS"), ["default"]);
    assertThrows(
      () => loadUsersAtStart(server.server),
      Error,
      "Aborting Redis startup because of ACL errors: ",
    );
  });
});

Deno.test("ACL LOAD ends the connections of the users there were", () => {
  withFile("user a on >p ~* +@all\n", (server) => {
    loadUsersAtStart(server.server);
    const client = server.connect();
    assertEquals(client.run("AUTH", "a", "p"), "OK");
    assertEquals(server.run("ACL", "LOAD"), "OK");
    assert(client.isClosed);
    assertEquals(server.run("PING"), "PONG");
  });
});

testUnless(missingReason("posix"), {
  name: "ACL SAVE leaves the permissions of the file as they were",
  fn: () => {
    for (const mode of [0o600, 0o640]) {
      withFile("", (server, path) => {
        Deno.chmodSync(path, mode);
        assertEquals(server.run("ACL", "SAVE"), "OK");
        assertEquals(Deno.statSync(path).mode! & 0o777, mode);
      });
    }
  },
});

Deno.test("ACL SAVE that cannot replace the file leaves nothing behind", () => {
  withFile("", (server, path) => {
    Deno.removeSync(path);
    Deno.mkdirSync(path);
    assert(server.run("ACL", "SAVE") instanceof RespError);
    assertEquals([...Deno.readDirSync(dirname(path))].map(({ name }) => name), ["users.acl"]);
  });
});

Deno.test("ACL LOAD and SAVE need an ACL file", () => {
  using server = new EmbeddedServer();
  for (const word of ["LOAD", "SAVE"]) {
    const reply = server.run("ACL", word);
    assert(reply instanceof RespError);
    assert(
      reply.message.startsWith("ERR This Redis instance is not configured to use an ACL file."),
    );
  }
});

Deno.test("user lines of the configuration make users", () => {
  using server = new EmbeddedServer();
  const source = { file: "redis.conf", lineNumber: 1, line: "" };
  const { config } = server.server;
  config.users.push({ words: ["bob", "on", ">p", "~b*", "(+get", "~x)"], source });
  config.users.push({ words: ["default", "off"], source });
  loadUsersAtStart(server.server);
  assertEquals(userLines(server.server.acl), [
    `bob on #${HASH} ~b* resetchannels -@all (~x resetchannels -@all +get)`,
    "default off sanitize-payload resetchannels -@all",
  ]);
});

Deno.test("a wrong user line prevents the start", () => {
  using server = new EmbeddedServer();
  const source = { file: "redis.conf", lineNumber: 1, line: "" };
  server.server.config.users.push({ words: ["bob", "+@foo"], source });
  assertThrows(
    () => loadUsersAtStart(server.server),
    Error,
    "Error loading ACL rule '+@foo' for the user named 'bob': Unknown command or category name " +
      "in ACL",
  );
});
