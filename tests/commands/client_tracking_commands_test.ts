/**
 * CLIENT TRACKING, CACHING, TRACKINGINFO: options and their errors. The messages are tested in
 * tests/observers/tracking_test.ts.
 */

import { assert, assertEquals } from "@std/assert";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { RespError } from "../support/resp_reply.ts";

Deno.test("TRACKINGINFO lists options and prefixes", () => {
  using server = new EmbeddedServer();
  const client = server.connect();
  const info = () => client.run("CLIENT", "TRACKINGINFO");
  assertEquals(info(), ["flags", ["off"], "redirect", -1, "prefixes", []]);
  client.run("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "b", "PREFIX", "a", "NOLOOP");
  assertEquals(info(), ["flags", ["on", "bcast", "noloop"], "redirect", 0, "prefixes", ["a", "b"]]);
  client.run("CLIENT", "TRACKING", "OFF");
  client.run("CLIENT", "TRACKING", "ON", "OPTIN");
  client.run("CLIENT", "CACHING", "YES");
  assertEquals(info(), ["flags", ["on", "optin", "caching-yes"], "redirect", 0, "prefixes", []]);
});

Deno.test("options that do not go together are refused", () => {
  using server = new EmbeddedServer();
  const refusal = (...options: string[]) => {
    const reply = server.run("CLIENT", "TRACKING", ...options);
    assert(reply instanceof RespError, options.join(" "));
    return reply.message;
  };
  assertEquals(
    refusal("ON", "PREFIX", "a"),
    "ERR PREFIX option requires BCAST mode to be enabled",
  );
  assertEquals(
    refusal("ON", "BCAST", "OPTIN"),
    "ERR OPTIN and OPTOUT are not compatible with BCAST",
  );
  assertEquals(
    refusal("ON", "OPTIN", "OPTOUT"),
    "ERR You can't specify both OPTIN mode and OPTOUT mode",
  );
  assertEquals(
    refusal("ON", "BCAST", "PREFIX", "a", "PREFIX", "ab"),
    "ERR Prefix 'a' overlaps with another provided prefix 'ab'. Prefixes for a single client " +
      "must not overlap.",
  );
  assertEquals(
    refusal("ON", "REDIRECT", "999"),
    "ERR The client ID you want redirect to does not exist",
  );
});
