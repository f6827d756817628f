/**
 * ACL checks: what users with limits are refused, in which words, and what becomes of them when
 * their rules change.
 */

import { assert, assertEquals } from "@std/assert";
import { type EmbeddedClient, EmbeddedServer } from "../support/embedded_server.ts";
import { RespError } from "../support/resp_reply.ts";

const NO_KEY = "NOPERM this user has no permissions to access one of the keys used as arguments";
const NO_CHANNEL =
  "NOPERM this user has no permissions to access one of the channels used as arguments";

function noCommand(name: string): string {
  return `NOPERM this user has no permissions to run the '${name}' command`;
}

/** A connection of a new user "u" with these rules and the password "p". */
function login(server: EmbeddedServer, ...rules: string[]): EmbeddedClient {
  assertEquals(server.run("ACL", "SETUSER", "u", "reset", "on", ">p", ...rules), "OK");
  const client = server.connect();
  assertEquals(client.run("AUTH", "u", "p"), "OK");
  return client;
}

function refusal(client: EmbeddedClient, ...command: string[]): string {
  const reply = client.run(...command);
  assert(reply instanceof RespError, `${command.join(" ")} was not refused`);
  return reply.message;
}

Deno.test("ACL: commands, subcommands and first arguments", () => {
  using server = new EmbeddedServer();
  const client = login(server, "~*", "+get", "+config|get", "+select|0", "+@hash", "-hdel");
  assertEquals(client.run("GET", "key"), null);
  assertEquals(refusal(client, "SET", "key", "1"), noCommand("set"));
  assertEquals(client.run("CONFIG", "GET", "port"), ["port", "6379"]);
  assertEquals(refusal(client, "CONFIG", "SET", "port", "1"), noCommand("config|set"));
  assertEquals(client.run("SELECT", "0"), "OK");
  assertEquals(refusal(client, "SELECT", "1"), noCommand("select"));
  assertEquals(client.run("HSET", "h", "f", "v"), 1);
  assertEquals(refusal(client, "HDEL", "h", "f"), noCommand("hdel"));
});

Deno.test("ACL: key patterns for reading, writing and both", () => {
  using server = new EmbeddedServer();
  const client = login(server, "+@all", "~both:*", "%R~in:*", "%W~out:*");
  assertEquals(client.run("SET", "both:1", "x"), "OK");
  assertEquals(client.run("GET", "in:1"), null);
  assertEquals(refusal(client, "SET", "in:1", "x"), NO_KEY);
  assertEquals(client.run("SET", "out:1", "x"), "OK");
  assertEquals(refusal(client, "GET", "out:1"), NO_KEY);
  // GET as an option of SET reads, too.
  assertEquals(refusal(client, "SET", "out:1", "y", "GET"), NO_KEY);
  assertEquals(client.run("COPY", "in:1", "out:2"), 0);
  assertEquals(refusal(client, "COPY", "out:1", "in:2"), NO_KEY);
  assertEquals(refusal(client, "MGET", "in:1", "other"), NO_KEY);
});

Deno.test("ACL: a selector allows a command only as a whole", () => {
  using server = new EmbeddedServer();
  const client = login(server, "+get", "~g*", "(+set ~s*)");
  assertEquals(client.run("GET", "g"), null);
  assertEquals(client.run("SET", "s", "1"), "OK");
  assertEquals(refusal(client, "SET", "g", "1"), NO_KEY);
  assertEquals(refusal(client, "GET", "s"), NO_KEY);
  assertEquals(refusal(client, "DEL", "s"), noCommand("del"));
});

Deno.test("ACL: channels match patterns, patterns must be allowed literally", () => {
  using server = new EmbeddedServer();
  const client = login(server, "+@all", "&news.*");
  assertEquals(client.run("PUBLISH", "news.a", "x"), 0);
  assertEquals(refusal(client, "PUBLISH", "other", "x"), NO_CHANNEL);
  assertEquals(refusal(client, "SUBSCRIBE", "news.a", "other"), NO_CHANNEL);
  assertEquals(refusal(client, "PSUBSCRIBE", "*"), NO_CHANNEL);
  assertEquals(refusal(client, "SSUBSCRIBE", "other"), NO_CHANNEL);
  assertEquals(client.run("PSUBSCRIBE", "news.*"), ["psubscribe", "news.*", 1]);
});

Deno.test("ACL: a refused command spoils the transaction, a later change its command", () => {
  using server = new EmbeddedServer();
  const client = login(server, "+@all", "-get", "~*");
  client.run("MULTI");
  assertEquals(refusal(client, "GET", "key"), noCommand("get"));
  assertEquals(
    refusal(client, "EXEC"),
    "EXECABORT Transaction discarded because of previous errors.",
  );
  client.run("MULTI");
  client.run("SET", "key", "1");
  server.run("ACL", "SETUSER", "u", "-set");
  const [reply] = client.run("EXEC") as RespError[];
  assertEquals(
    reply.message,
    "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC " +
      "call. This command is no longer allowed for the following reason: no permission to " +
      "execute the command or subcommand",
  );
});

Deno.test("ACL: changed rules are felt at once, and end subscriptions they forbid", () => {
  using server = new EmbeddedServer();
  const client = login(server, "+@all", "~*", "&*");
  assertEquals(client.run("SET", "key", "1"), "OK");
  server.run("ACL", "SETUSER", "u", "resetkeys", "~a*");
  assertEquals(refusal(client, "SET", "key", "1"), NO_KEY);
  client.run("SUBSCRIBE", "news");
  server.run("ACL", "SETUSER", "u", "resetchannels", "&news");
  assertEquals(client.isClosed, false);
  server.run("ACL", "SETUSER", "u", "resetchannels");
  assertEquals(client.isClosed, true);
});

Deno.test("ACL: a deleted user's connections end", () => {
  using server = new EmbeddedServer();
  const client = login(server, "+@all");
  assertEquals(server.run("ACL", "DELUSER", "u", "nobody"), 1);
  assertEquals(client.isClosed, true);
  assertEquals(
    refusal(server.client, "ACL", "DELUSER", "default"),
    "ERR The 'default' user cannot be removed",
  );
});

Deno.test("ACL: requirepass is the password of the default user", () => {
  using server = new EmbeddedServer([["requirepass", "secret"]]);
  assertEquals(refusal(server.client, "PING"), "NOAUTH Authentication required.");
  const wrong = "WRONGPASS invalid username-password pair or user is disabled.";
  assertEquals(refusal(server.client, "AUTH", "nope"), wrong);
  assertEquals(refusal(server.client, "AUTH", "default", "nope"), wrong);
  assertEquals(refusal(server.client, "AUTH", "nobody", "secret"), wrong);
  assertEquals(server.run("AUTH", "secret"), "OK");
  assertEquals(server.run("CONFIG", "SET", "requirepass", "other"), "OK");
  const client = server.connect();
  assertEquals(refusal(client, "AUTH", "secret"), wrong);
  assertEquals(client.run("AUTH", "default", "other"), "OK");
  assertEquals(server.run("CONFIG", "SET", "requirepass", ""), "OK");
  assertEquals(server.connect().run("PING"), "PONG");
});

Deno.test("ACL: a disabled user cannot log in, one with nopass can with any password", () => {
  using server = new EmbeddedServer();
  server.run("ACL", "SETUSER", "u", ">p", "+@all");
  const client = server.connect();
  assert(refusal(client, "AUTH", "u", "p").startsWith("WRONGPASS"));
  server.run("ACL", "SETUSER", "u", "on", "nopass");
  assertEquals(client.run("AUTH", "u", "anything"), "OK");
  assertEquals(client.run("ACL", "WHOAMI"), "u");
  assertEquals(client.run("RESET"), "RESET");
  assertEquals(client.run("ACL", "WHOAMI"), "default");
});

Deno.test("ACL: the default user can be limited, too", () => {
  using server = new EmbeddedServer();
  const admin = login(server, "+@all", "~*", "&*");
  admin.run("ACL", "SETUSER", "default", "-@all", "+ping");
  assertEquals(server.run("PING"), "PONG");
  assertEquals(refusal(server.client, "GET", "x"), noCommand("get"));
  assertEquals(refusal(server.connect(), "GET", "x"), noCommand("get"));
});

Deno.test("ACL: SORT may not read foreign keys unless all keys may be read", () => {
  using server = new EmbeddedServer();
  const client = login(server, "+@all", "~l*");
  client.run("RPUSH", "l", "1", "2");
  assertEquals(client.run("SORT", "l"), ["1", "2"]);
  assertEquals(
    refusal(client, "SORT", "l", "BY", "w_*"),
    "ERR BY option of SORT denied due to insufficient ACL permissions.",
  );
  assertEquals(
    refusal(client, "SORT", "l", "GET", "#"),
    "ERR GET option of SORT denied due to insufficient ACL permissions.",
  );
});

Deno.test("ACL LOG: refusals, newest first, equal ones counted", () => {
  using server = new EmbeddedServer();
  const client = login(server, "+@all", "-get", "~k*");
  client.run("GET", "k");
  client.run("GET", "k");
  client.run("SET", "x", "1");
  client.run("AUTH", "u", "wrong");
  client.run("MULTI");
  client.run("GET", "k");
  const entries = (server.run("ACL", "LOG") as unknown[][]).map((entry) => {
    const [, count, , reason, , context, , object, , user] = entry;
    return [count, reason, context, object, user].join(" ");
  });
  assertEquals(entries, [
    "1 command multi get u",
    "1 auth toplevel AUTH u",
    "1 key toplevel x u",
    "2 command toplevel get u",
  ]);
  assertEquals((server.run("ACL", "LOG", "1") as unknown[]).length, 1);
  assertEquals(server.run("ACL", "LOG", "RESET"), "OK");
  assertEquals(server.run("ACL", "LOG"), []);
});

Deno.test("ACL LOG keeps acllog-max-len entries", () => {
  using server = new EmbeddedServer([["acllog-max-len", "2"]]);
  const client = login(server, "+@all", "~k*");
  for (const key of ["a", "b", "c"]) client.run("GET", key);
  const objects = (server.run("ACL", "LOG") as unknown[][]).map((entry) => entry[7]);
  assertEquals(objects, ["c", "b"]);
});

const NO_BY = "ERR BY option of SORT denied due to insufficient ACL permissions.";
const NO_GET = "ERR GET option of SORT denied due to insufficient ACL permissions.";

Deno.test("ACL: SORT BY and GET need the permission to read all keys", () => {
  for (
    const [patterns, isAllowed] of [
      [["%W~*"], false],
      [["%W~*", "%R~list"], false],
      [["%R~l*", "%R~w_*"], false],
      [["~list", "(+sort +sort_ro %W~*)"], false],
      [["~list", "(+get %R~*)"], false],
      [["%R~*"], true],
      [["~*"], true],
      [["~list", "(+sort +sort_ro %R~*)"], true],
    ] as const
  ) {
    using server = new EmbeddedServer();
    server.run("RPUSH", "list", "2", "1");
    const client = login(server, "+@all", "%RW~list", ...patterns);
    const by = client.raw("SORT", "list", "BY", "w_*");
    const get = client.raw("SORT_RO", "list", "GET", "w_*");
    assertEquals(by.includes(NO_BY), !isAllowed, `${patterns} ${by}`);
    assertEquals(get.includes(NO_GET), !isAllowed, `${patterns} ${get}`);
  }
});

Deno.test("ACL: SORT asks for the key that it stores in, whatever its name", () => {
  using server = new EmbeddedServer();
  server.run("RPUSH", "k", "2", "1");
  const client = login(server, "+@all", "~k", "~by", "~get", "~limit", "~store");
  for (const name of ["BY", "GET", "LIMIT", "STORE"]) {
    server.run("ACL", "SETUSER", client.client.userName, `~${name}`);
    assertEquals(client.run("SORT", "k", "STORE", name), 2);
    assertEquals(refusal(client, "SORT", "k", "STORE", name, "STORE", "secret"), NO_KEY);
    const limit = ["LIMIT", "0", "1"];
    assertEquals(refusal(client, "SORT", "k", "STORE", name, ...limit, "STORE", "secret"), NO_KEY);
  }
  assertEquals(server.run("EXISTS", "secret"), 0);
});

Deno.test("ACL: names that every object of the language has are no rules", () => {
  using server = new EmbeddedServer();
  for (const rule of ["constructor", "toString", "__proto__", "hasOwnProperty", "valueOf"]) {
    const reply = server.raw("ACL", "SETUSER", "u", rule);
    assertEquals(reply, `-ERR Error in ACL SETUSER modifier '${rule}': Syntax error\r\n`);
    assertEquals(server.raw("ACL", "SETUSER", "u", `(${rule})`).includes("Syntax error"), true);
  }
});

/** Rules, and what ACL LIST shows of them as redis-server 8.2.3 does. */
const RULE_ORDER: readonly [rules: string, shown: string][] = [
  ["+get +@read -set +@all -debug +config|get", "+@all -debug +config|get"],
  ["+get -get +get +@string -@string", "-@all +get -@string"],
  ["+@read -get +@write +client -client|kill", "-@all +@read -get +@write +client -client|kill"],
  ["-client|kill +client", "-@all +client"],
  ["+client|kill -client +client|kill", "-@all -client +client|kill"],
  ["+GET +@READ", "-@all +get +@read"],
  ["+select|0 +select|1 -select", "-@all -select"],
  ["+select|0 +select|1 +SELECT|0", "-@all +select|1 +select|0"],
  ["allcommands -get nocommands +set", "-@all +set"],
];

Deno.test("from 7.2 on the rules about commands are shown as they were given", () => {
  for (const release of ["7.2", "7.4"]) {
    using server = new EmbeddedServer([["redis-version", release]]);
    for (const [rules, shown] of RULE_ORDER) {
      server.run("ACL", "SETUSER", "u", "reset", ...rules.split(" "));
      const users = server.run("ACL", "LIST") as string[];
      const line = users.find((text) => text.startsWith("user u "))!;
      assertEquals(line, `user u off sanitize-payload resetchannels ${shown}`, rules);
      // Given to another user, they make the same one.
      server.run("ACL", "SETUSER", "v", "reset", ...shown.split(" "));
      const commandsOf = (name: string) => (server.run("ACL", "GETUSER", name) as unknown[])[5];
      assertEquals(commandsOf("v"), commandsOf("u"), rules);
    }
  }
});
