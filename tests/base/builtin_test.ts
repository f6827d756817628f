/** Builtin: what node has, by name. */
import { assert, assertEquals } from "@std/assert";
import { builtin } from "../../src/base/builtin.ts";

/** What `deno info` tells of a module; `code`: it is imported when the program runs. */
interface Module {
  readonly dependencies?: readonly { specifier: string; code?: unknown; isDynamic?: boolean }[];
}

Deno.test("a module of node is had by its name, and is the same each time", () => {
  const { createHash } = builtin("node:crypto");
  const digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  assertEquals(createHash("sha256").update("abc").digest("hex"), digest);
  assertEquals(builtin("node:crypto") === builtin("node:crypto"), true);
});

Deno.test("a start loads none: no file of the server imports a module of node", () => {
  const root = new URL("../../", import.meta.url);
  const args = ["info", "--json", "main.ts"];
  const { stdout } = new Deno.Command(Deno.execPath(), { args, cwd: root }).outputSync();
  const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as { modules: Module[] };
  assert(modules.length > 400);
  const imported = modules.flatMap(({ dependencies = [] }) => dependencies).filter((one) => {
    return one.specifier.startsWith("node:") && one.code !== undefined && one.isDynamic !== true;
  });
  assertEquals(imported, []);
});
