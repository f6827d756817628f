/**
 * Bytes 0 to 255 in every text that configuration, ACL and clients give: what is accepted comes
 * back as it was, from replies, from the files that are written, and after a restart.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { hasSpace } from "../../src/base/ascii.ts";
import { latin1Bytes, latin1Text } from "../../src/base/bytes.ts";
import { loadUsersAtStart } from "../../src/access/acl_file.ts";
import type { Config } from "../../src/config/config.ts";
import { loadConfig } from "../../src/config/config_file.ts";
import { rewriteConfigText } from "../../src/config/config_rewrite.ts";
import { configTable } from "../../src/config/config_table.ts";
import { userLines } from "../../src/access/acl_file.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";

const BYTES = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));

function call(server: EmbeddedServer, ...latin1Words: string[]): string {
  return server.raw(...latin1Words.map(latin1Bytes));
}

function bulk(latin1: string): string {
  return `$${latin1.length}\r\n${latin1}\r\n`;
}

/** The configuration that a start would read from the file that CONFIG REWRITE writes. */
function rewritten(config: Config, users: readonly string[] = []): Config {
  const text = rewriteConfigText("# \xff is no UTF-8\n", config, users);
  assertStringIncludes(text, "# \xff is no UTF-8\n");
  return loadConfig({ file: null, standardInput: text, directives: [] });
}

/** The parameters that take any text, by trying. */
function textParameters(server: EmbeddedServer): string[] {
  return configTable.filter(({ kind, flags }) =>
    !kind.takesManyWords && !flags.includes("immutable")
  )
    .map(({ name }) => name)
    .filter((name) => call(server, "CONFIG", "SET", name, "any text") === "+OK\r\n");
}

Deno.test("CONFIG: every byte in every text survives GET, REWRITE and a restart", () => {
  using server = new EmbeddedServer();
  const { config } = server.server;
  const names = textParameters(server);
  const accepted = new Map<string, number>();
  for (const byte of BYTES) {
    for (const text of [`x${byte}`, `${byte}x ${byte}`]) {
      const taken = names.filter((name) => call(server, "CONFIG", "SET", name, text) === "+OK\r\n");
      for (const name of taken) {
        accepted.set(name, (accepted.get(name) ?? 0) + 1);
        assertStringIncludes(call(server, "CONFIG", "GET", name), bulk(name) + bulk(text));
      }
      const restarted = rewritten(config);
      const different = taken.filter((name) => restarted.get(name) !== text);
      assertEquals(different, [], JSON.stringify(text));
    }
  }
  const all = ["requirepass", "masterauth", "masteruser", "replica-announce-ip", "tls-ciphers"];
  for (const name of [...all, "tls-key-file-pass"]) assertEquals(accepted.get(name), 512, name);
  assert(accepted.get("proc-title-template")! >= 500);
});

Deno.test("CONFIG: a path may have any letters, but no bytes that are not UTF-8", () => {
  using server = new EmbeddedServer([["enable-protected-configs", "yes"]]);
  const { config } = server.server;
  const name = "\xc3\xa0 \xd0\xa0";
  assertEquals(call(server, "CONFIG", "SET", "dbfilename", name), "+OK\r\n");
  assertStringIncludes(call(server, "CONFIG", "GET", "dbfilename"), bulk(name));
  assertEquals(config.dbfilename, "à Р");
  assertEquals(rewritten(config).dbfilename, "à Р");
  const refusal = call(server, "CONFIG", "SET", "dbfilename", "x\xff");
  assertStringIncludes(refusal, "paths must be valid UTF-8");
  assertEquals(config.dbfilename, "à Р");
});

Deno.test("requirepass is a password of bytes", () => {
  using server = new EmbeddedServer();
  const password = BYTES.join("");
  call(server, "CONFIG", "SET", "requirepass", password);
  const client = server.connect();
  assertEquals(client.raw("AUTH", latin1Bytes(password)), "+OK\r\n");
  assertStringIncludes(client.raw("AUTH", latin1Bytes(password.slice(1))), "WRONGPASS");
});

/** Makes a user for each byte that may stand in a name; returns the server and the names. */
function makeUsers(server: EmbeddedServer): string[] {
  const names: string[] = [];
  for (const byte of BYTES) {
    const name = `u${byte}`;
    const isRefused = hasSpace(byte) || byte === "\0";
    const rules = ["on", `>p${byte}`, "+@all", "-get", "resetchannels"];
    if (!isRefused) rules.push(`~k${byte}`, `%R~${byte}r`, `&c${byte}`);
    const reply = call(server, "ACL", "SETUSER", name, ...rules);
    assertEquals(reply === "+OK\r\n", !isRefused, JSON.stringify(byte));
    for (const rule of [`~k${byte}`, `&k${byte}`]) {
      const isTaken = call(server, "ACL", "SETUSER", "other", "reset", rule) === "+OK\r\n";
      assertEquals(isTaken, !isRefused, JSON.stringify(rule));
    }
    if (!isRefused) names.push(name);
  }
  call(server, "ACL", "DELUSER", "other");
  return names;
}

/** ACL LIST without what a user declared in a file has in addition. */
function listOf(server: EmbeddedServer): string {
  return call(server, "ACL", "LIST").replaceAll(/\$\d+\r\n/g, "").replaceAll(
    "sanitize-payload ",
    "",
  );
}

function assertUsers(server: EmbeddedServer, names: readonly string[], list: string): void {
  assertEquals(listOf(server), list);
  for (const name of names) {
    const byte = name.slice(1);
    // As a pattern it is another one than itself.
    if ("*?[\\".includes(byte)) continue;
    const client = server.connect();
    assertEquals(client.raw("AUTH", latin1Bytes(name), latin1Bytes(`p${byte}`)), "+OK\r\n");
    assertEquals(client.raw("SET", latin1Bytes(`k${byte}`), "v"), "+OK\r\n");
    assertStringIncludes(client.raw("SET", latin1Bytes(`l${byte}`), "v"), "NOPERM");
    assertEquals(client.raw("PUBLISH", latin1Bytes(`c${byte}`), "m"), ":0\r\n");
    assertEquals(client.raw("ACL", "WHOAMI"), bulk(name));
    client.close();
  }
}

Deno.test("ACL: every byte in names, keys, channels and passwords survives SAVE and LOAD", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const file = join(directory, "à Р.acl");
    await Deno.writeTextFile(file, "");
    using server = new EmbeddedServer();
    server.server.config.aclfile = file;
    const names = makeUsers(server);
    assertEquals(names.length, 249);
    const list = listOf(server);
    assertUsers(server, names, list);
    assertEquals(call(server, "ACL", "SAVE"), "+OK\r\n");
    using other = new EmbeddedServer();
    other.server.config.aclfile = file;
    loadUsersAtStart(other.server);
    assertUsers(other, names, list);
    assertEquals(call(server, "ACL", "LOAD"), "+OK\r\n");
    assertEquals(listOf(server), list);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("ACL: the same through the configuration file", () => {
  using server = new EmbeddedServer();
  const names = makeUsers(server);
  const list = listOf(server);
  const config = rewritten(server.server.config, userLines(server.server.acl));
  using other = new EmbeddedServer([], { config });
  loadUsersAtStart(other.server);
  assertUsers(other, names, list);
});

Deno.test("ACL: first arguments are bytes, letters of ASCII in either case", () => {
  using server = new EmbeddedServer();
  for (const byte of BYTES) {
    if (hasSpace(byte) || byte === "\0" || byte === "|") continue;
    call(server, "ACL", "SETUSER", "bob", "reset", "on", "nopass", "+auth", `+select|${byte}A`);
    const client = server.connect();
    client.run("AUTH", "bob", "any");
    const answer = client.raw("SELECT", latin1Bytes(`${byte}a`));
    assertStringIncludes(answer, "value is not an integer", JSON.stringify(byte));
    client.close();
  }
});

Deno.test("CLIENT: a name is printable ASCII, and comes back as it was", () => {
  using server = new EmbeddedServer();
  for (const byte of BYTES) {
    const isAllowed = byte > " " && byte <= "~";
    const name = `n${byte}`;
    for (
      const request of [["CLIENT", "SETNAME", name], ["HELLO", "2", "SETNAME", name], [
        ...["CLIENT", "SETINFO", "LIB-NAME", name],
      ]]
    ) {
      const reply = call(server, ...request);
      assertEquals(!reply.startsWith("-"), isAllowed, JSON.stringify(request));
    }
    if (isAllowed) assertEquals(call(server, "CLIENT", "GETNAME"), bulk(name));
  }
});

Deno.test("a file in any encoding is read, and rewritten as it was", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const file = join(directory, "redis.conf");
    const lines = "# schl\xfcssel \xa0\nrequirepass schl\xfcssel\xa0\n\xa0\n";
    await Deno.writeFile(file, latin1Bytes(lines.slice(0, -2)));
    const config = loadConfig({ file, standardInput: null, directives: ["dir /"] });
    assertEquals(config.requirepass, "schl\xfcssel\xa0");
    using server = new EmbeddedServer([], { config });
    server.run("AUTH", latin1Bytes("schl\xfcssel\xa0"));
    assertEquals(call(server, "CONFIG", "REWRITE"), "+OK\r\n");
    const bytes = await Deno.readFile(file);
    const text = latin1Text(bytes, 0, bytes.length);
    assert(text.startsWith('# schl\xfcssel \xa0\nrequirepass "schl\\xfcssel\\xa0"\n'), text);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
