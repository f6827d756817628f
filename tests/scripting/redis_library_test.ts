/** The functions of `redis`, and Redis's own pcall. */
import { assertEquals } from "@std/assert";
import { Log } from "../../src/base/log.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import type { RespError } from "../support/resp_reply.ts";

Deno.test("redis.log writes at the level, all that can be shown", () => {
  const lines: string[] = [];
  const log = new Log((text) => lines.push(text));
  using server = new EmbeddedServer([], { log });
  server.run("EVAL", "redis.log(redis.LOG_WARNING,'a',{},1.5)", "0");
  assertEquals(lines.map((line) => line.replace(/^.*? # /, "# ")), ["# a 1.5\n"]);
});

Deno.test("pcall gives the text of an error table, xpcall's handler the table", () => {
  using server = new EmbeddedServer();
  const text = "ERR wrong number of arguments";
  const pcall = "local _,e=pcall(redis.sha1hex) return e";
  assertEquals(server.run("EVAL", pcall, "0"), text);
  const xpcall = "local _,e=xpcall(redis.sha1hex,function(e) return e.err end) return e";
  assertEquals(server.run("EVAL", xpcall, "0"), text);
  assertEquals(server.run("EVAL", "return select('#',pcall(error,{}))", "0"), 3);
});

Deno.test("the libraries cannot be changed, from neither environment", () => {
  using server = new EmbeddedServer();
  for (const change of ["redis.call=1", "string.x=1", "x=1", "KEYS=1", "rawset(_G,'a',1)"]) {
    const reply = server.run("EVAL", change, "0") as RespError;
    assertEquals(/Attempt to modify a readonly table/.test(reply.message), true, change);
  }
});

Deno.test("redis.acl_check_cmd asks for the caller", () => {
  using server = new EmbeddedServer();
  server.run("ACL", "SETUSER", "u", "on", "nopass", "~k*", "+get", "+eval");
  const client = server.connect();
  client.run("AUTH", "u", "x");
  const check = (args: string) => client.run("EVAL", `return redis.acl_check_cmd(${args})`, "0");
  assertEquals([check("'get','k'"), check("'get','x'"), check("'set','k','v'")], [1, null, null]);
});
