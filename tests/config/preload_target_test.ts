/** What `preload-file` may name. */
import { assertEquals } from "@std/assert";
import { Config } from "../../src/config/config.ts";
import { parsePreloadTarget } from "../../src/config/preload_target.ts";

Deno.test("a target is a kind and a path, in which anything may stand", () => {
  assertEquals(parsePreloadTarget("rdb:/a/b.rdb"), { kind: "rdb", path: "/a/b.rdb" });
  assertEquals(parsePreloadTarget("aof:C:/x y.manifest"), { kind: "aof", path: "C:/x y.manifest" });
  for (const text of ["", "rdb:", "/a/b.rdb", "RDB:/a", "dump:/a", " aof:/a"]) {
    assertEquals(parsePreloadTarget(text), null, text);
  }
});

Deno.test("the parameter is none by default, is checked at the start and cannot be changed", () => {
  const config = new Config();
  assertEquals(config.preloadFile, "");
  assertEquals(config.setAtStart("preload-file", ["rdb:/a/b.rdb"]), null);
  assertEquals(config.preloadFile, "rdb:/a/b.rdb");
  assertEquals(
    config.setAtStart("preload-file", ["/a/b.rdb"]),
    "argument must be in the format rdb:<path> or aof:<path>",
  );
  assertEquals(config.setAtStart("preload-file", [""]), null);
});
