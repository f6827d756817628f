/** Which directory the configuration names, and what is said when it cannot be opened. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { AofLoadError } from "../../src/persistence/aof_loader.ts";
import { aofPath, orRefuse } from "../../src/durability/aof_opening.ts";
import { ConfigValues } from "../../src/config/config_values.ts";
import { MemoryFiles } from "../persistence/aof_memory_files.ts";
import { MANIFEST, ToyServer } from "../persistence/aof_toy_server.ts";

Deno.test("the directory stands in dir, or where the process stands", () => {
  const config = new ConfigValues();
  config.dir = "/data";
  assertEquals(aofPath(config), "/data/appendonlydir");
  config.dir = "";
  assertEquals(aofPath(config), "appendonlydir");
});

Deno.test("what keeps a start from going on is said once", async () => {
  const files = new MemoryFiles();
  files.put(MANIFEST, "file a seq 1\n");
  const toy = new ToyServer(files);
  await assertRejects(() => toy.control.loadAtStart(), AofLoadError, "Invalid AOF manifest");
  assertEquals(toy.log.lines.filter((line) => line.includes("Invalid AOF manifest")).length, 1);
  const fail = () => {
    throw new Error("no such luck");
  };
  assertThrows(
    () => orRefuse(toy.log, "Cannot begin", fail),
    AofLoadError,
    "Cannot begin: no such",
  );
  assertEquals(toy.log.lines.filter((line) => line.includes("no such luck")).length, 1);
});
