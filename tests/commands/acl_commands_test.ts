/**
 * ACL SETUSER, GETUSER, LIST and the rest of the family: rules and their description.
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { RespError } from "../support/resp_reply.ts";

const HASH = "148de9c5a7a44d19e56cd9ae1a554bf67847afb0c58f6e12fa29ac7ddfca9940";

/** What ACL SETUSER says to these rules, without what is the same in all answers. */
function refusal(...rules: string[]): string {
  using server = new EmbeddedServer();
  const reply = server.run("ACL", "SETUSER", "u", ...rules);
  assert(reply instanceof RespError, `${rules.join(" ")} was accepted`);
  assertEquals(server.run("ACL", "GETUSER", "u"), null);
  return reply.message.replace("ERR Error in ACL SETUSER modifier ", "");
}

/** The line of a new user with these rules, without its name. */
function described(...rules: string[]): string {
  using server = new EmbeddedServer();
  assertEquals(server.run("ACL", "SETUSER", "u", ...rules), "OK");
  return (server.run("ACL", "LIST") as string[]).find((line) => line.startsWith("user u "))!
    .slice("user u ".length);
}

Deno.test("ACL LIST describes a user by rules that make the same one", () => {
  assertEquals(described(), "off resetchannels -@all");
  assertEquals(described("on", "nopass", "allkeys", "&*", "+@all"), "on nopass ~* &* +@all");
  assertEquals(described(">p", ">p", `#${HASH}`), `off #${HASH} resetchannels -@all`);
  assertEquals(described("~a", "%R~b", "%RW~c", "%W~d"), "off ~a %R~b ~c %W~d resetchannels -@all");
  assertEquals(described("%R~a", "%W~a"), "off ~a resetchannels -@all");
  assertEquals(described("&a", "&b", "&a"), "off resetchannels &a &b -@all");
  assertEquals(described("+@all", "-get"), "off resetchannels +@all -get");
  assertEquals(described("+@hash", "-hset"), "off resetchannels -@all +@hash -hset");
  assertEquals(
    described("+CONFIG|GET", "+select|0"),
    "off resetchannels -@all +config|get +select|0",
  );
  assertEquals(
    described("(+get", "~a)", "(+set &*)"),
    "off resetchannels -@all (~a resetchannels -@all +get) (&* -@all +set)",
  );
  assertEquals(described("(+get)", "clearselectors"), "off resetchannels -@all");
  assertEquals(described("+@all", "on", "reset"), "off sanitize-payload resetchannels -@all");
  assertEquals(described("skip-sanitize-payload"), "off skip-sanitize-payload resetchannels -@all");
});

Deno.test("a description given to another user makes it equal", () => {
  using server = new EmbeddedServer();
  const samples = [
    ["+@all", "-@dangerous", "+keys", "-client", "+client|id"],
    ["+@read", "+@write", "-@string", "+get", "~a*", "&b"],
    ["-@all", "+@connection", "+@fast", "-hello", "(~x +@set -spop)"],
  ];
  for (const rules of samples) {
    server.run("ACL", "SETUSER", "one", "reset", ...rules);
    const describe = (name: string) => server.server.acl.describe(server.server.acl.find(name)!);
    const description = describe("one");
    server.run("ACL", "SETUSER", "two", "reset", ...description.split(" "));
    assertEquals(describe("two"), description);
    const allowed = (name: string) => server.server.acl.find(name)!.root.allowed;
    assertEquals(allowed("two"), allowed("one"));
  }
});

Deno.test("ACL SETUSER refuses wrong rules and changes nothing", () => {
  const unknown = "Unknown command or category name in ACL";
  assertEquals(refusal("on", "+foo"), `'+foo': ${unknown}`);
  assertEquals(refusal("+@foo"), `'+@foo': ${unknown}`);
  assertEquals(refusal("-get|a"), `'-get|a': ${unknown}`);
  assertEquals(refusal("+config|nope"), `'+config|nope': ${unknown}`);
  assertEquals(refusal("%X~a"), "'%X~a': Syntax error");
  assertEquals(refusal("%~a"), "'%~a': Syntax error");
  assertEquals(refusal("~a b"), "'~a b': Syntax error");
  assertEquals(refusal("+select|"), "'+select|': Syntax error");
  assertEquals(refusal("(on)"), "'(on)': Syntax error");
  assertEquals(
    refusal("+config|get|x"),
    "'+config|get|x': Allowing first-arg of a subcommand is not supported",
  );
  assertEquals(
    refusal("#abc"),
    "'#abc': The password hash must be exactly 64 characters and contain only lowercase " +
      "hexadecimal characters",
  );
  assertEquals(
    refusal("<no"),
    "'<no': The password you are trying to remove from the user does not exist",
  );
  assertEquals(
    refusal("allkeys", "~a"),
    "'~a': Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does " +
      "not have any effect. Try 'resetkeys' to start with an empty list of patterns",
  );
  assertEquals(
    refusal("&*", "&a"),
    "'&a': Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and " +
      "does not have any effect. Try 'resetchannels' to start with an empty list of channels",
  );
  assertEquals(
    refusal("(+get", "~a"),
    "ERR Unmatched parenthesis in acl selector starting at '(+get'.",
  );
});

Deno.test("ACL GETUSER lists all a user has", () => {
  using server = new EmbeddedServer();
  server.run("ACL", "SETUSER", "u", "on", ">p", "+get", "~a", "&c", "(+set %W~b)");
  assertEquals(server.run("ACL", "GETUSER", "u"), [
    "flags",
    ["on"],
    "passwords",
    [HASH],
    "commands",
    "-@all +get",
    "keys",
    "~a",
    "channels",
    "&c",
    "selectors",
    [["commands", "-@all +set", "keys", "%W~b", "channels", ""]],
  ]);
  assertEquals(server.run("ACL", "GETUSER", "nobody"), null);
});

Deno.test("ACL CAT lists categories and their commands", () => {
  using server = new EmbeddedServer();
  const categories = server.run("ACL", "CAT") as string[];
  assertEquals(categories.length, 21);
  assertEquals(categories.slice(0, 3), ["keyspace", "read", "write"]);
  assert((server.run("ACL", "CAT", "STRING") as string[]).includes("getrange"));
  assert((server.run("ACL", "CAT", "dangerous") as string[]).includes("config|set"));
  assertEquals(server.raw("ACL", "CAT", "nope"), "-ERR Unknown category 'nope'\r\n");
});

Deno.test("ACL DRYRUN tells whether a user may run a command", () => {
  using server = new EmbeddedServer();
  server.run("ACL", "SETUSER", "u", "+get", "+publish", "+config|get", "~k*", "&c");
  const dryRun = (...command: string[]) => server.run("ACL", "DRYRUN", "u", ...command);
  assertEquals(dryRun("get", "k"), "OK");
  assertEquals(dryRun("get", "x"), "This user has no permissions to access the 'x' key");
  assertEquals(dryRun("set", "k", "v"), "This user has no permissions to run the 'set' command");
  assertEquals(
    dryRun("publish", "d", "m"),
    "This user has no permissions to access the 'd' channel",
  );
  assertEquals(
    dryRun("config", "set", "a", "b"),
    "This user has no permissions to run the 'config|set' command",
  );
  assertEquals(String(dryRun("nosuch")), "(error) ERR Command 'nosuch' not found");
  assertEquals(String(dryRun("get")), "(error) ERR wrong number of arguments for 'get' command");
  assertEquals(
    server.raw("ACL", "DRYRUN", "nobody", "get", "k"),
    "-ERR User 'nobody' not found\r\n",
  );
});

Deno.test("ACL GENPASS makes as many hexadecimal digits as the bits need", () => {
  using server = new EmbeddedServer();
  assertMatch(server.run("ACL", "GENPASS") as string, /^[0-9a-f]{64}$/);
  assertMatch(server.run("ACL", "GENPASS", "5") as string, /^[0-9a-f]{2}$/);
  assertEquals(
    server.raw("ACL", "GENPASS", "4097"),
    "-ERR ACL GENPASS argument must be the number of bits for the output password, a positive " +
      "number up to 4096\r\n",
  );
});

Deno.test("ACL USERS and WHOAMI", () => {
  using server = new EmbeddedServer();
  for (const name of ["zed", "anna"]) server.run("ACL", "SETUSER", name);
  assertEquals(server.run("ACL", "USERS"), ["anna", "default", "zed"]);
  assertEquals(server.run("ACL", "WHOAMI"), "default");
  assertEquals(
    server.raw("ACL", "SETUSER", "two words"),
    "-ERR Usernames can't contain spaces or null characters\r\n",
  );
});
