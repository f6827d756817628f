/** Places: numbers, lines, names, and chunks that go away. */
import { assertEquals } from "@std/assert";
import { chunkOfSite, ChunkSites, positionOf } from "../../src/scripting/lua_sites.ts";

Deno.test("a number leads to line, names and chunk", () => {
  const sites = new ChunkSites("@script", "script");
  const first = sites.add(3, "local 'x'");
  const second = sites.add(9, "field 'a'", "field 'b'");
  sites.register();
  assertEquals([positionOf(first), positionOf(-second)], ["script:3: ", "script:9: "]);
  assertEquals(chunkOfSite(second)?.namesOf(second), { first: "field 'a'", second: "field 'b'" });
  assertEquals([positionOf(0), chunkOfSite(0)], ["", null]);
});

Deno.test("chunks do not share numbers, however many places they have", () => {
  const large = new ChunkSites("@large", "large");
  let last = 0;
  for (let line = 1; line <= 1000; line++) last = large.add(line);
  large.register();
  const small = new ChunkSites("@small", "small");
  const site = small.add(1);
  small.register();
  assertEquals([positionOf(last), positionOf(site)], ["large:1000: ", "small:1: "]);
});
