/** Value limits: they follow the configuration and the release. */
import { assertEquals } from "@std/assert";
import { Config } from "../../src/config/config.ts";
import { encodingLimits } from "../../src/durability/value_limits.ts";

Deno.test("small sets are listpacks since 7.2; the other limits are those configured", () => {
  const config = new Config();
  config.hashMaxListpackEntries = 7;
  config.listMaxListpackSize = -3;
  config.redisVersion = "7.0";
  const { hash, listFill, set } = encodingLimits(config);
  assertEquals([hash.listpackEntriesMax, listFill], [7, -3]);
  assertEquals(set.listpackEntriesMax, -1);
  config.redisVersion = "7.2";
  assertEquals(encodingLimits(config).set.listpackEntriesMax, config.setMaxListpackEntries);
});
