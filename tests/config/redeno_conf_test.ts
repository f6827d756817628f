/**
 * redeno.conf, the file that documents the configuration: it loads, says of every parameter what it
 * is, shows the defaults, and lists the parameters without effect under that heading and no others.
 */
import { assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { Config, findParameter } from "../../src/config/config.ts";
import { loadConfig } from "../../src/config/config_file.ts";
import { splitConfigWords } from "../../src/config/config_lexer.ts";
import { configTable } from "../../src/config/config_table.ts";

const PATH = fromFileUrl(new URL("../../redeno.conf", import.meta.url));
const TEXT = Deno.readTextFileSync(PATH);
const [BEFORE, WITHOUT_EFFECT] = TEXT.split(/^#+ WITHOUT EFFECT #+$/m);

/** Directives of a part of the file, whether commented out (`#name value`) or not. */
function directivesOf(part: string): string[][] {
  return part.split("\n").map((line) => /^#?([a-z].*)$/.exec(line)?.[1])
    .filter((line) => line !== undefined).map((line) => splitConfigWords(line));
}

Deno.test("redeno.conf as it is changes nothing", () => {
  const config = loadConfig({ file: PATH, standardInput: null, directives: [] });
  const untouched = new Config();
  for (const { name } of configTable) assertEquals(config.get(name), untouched.get(name), name);
});

Deno.test("redeno.conf names every parameter", () => {
  const hidden = configTable.filter(({ flags }) => flags.includes("hidden"));
  const unnamed = configTable.filter((one) => !hidden.includes(one))
    .map(({ name }) => name).filter((name) =>
      !new RegExp(`(?<![\\w-])${name}(?![\\w-])`).test(TEXT)
    );
  assertEquals(unnamed, []);
});

Deno.test("redeno.conf shows under WITHOUT EFFECT what has none, with its default", () => {
  const shown = directivesOf(WITHOUT_EFFECT).map(([name]) => name);
  const idle = configTable.filter(({ field }) => field === null).map(({ name }) => name);
  assertEquals(shown.sort(), idle.sort());
  const active = directivesOf(BEFORE).map(([name]) => findParameter(name))
    .filter((one) => one?.field === null);
  assertEquals(active, []);
  const config = new Config();
  for (const [name, ...words] of directivesOf(WITHOUT_EFFECT)) {
    const before = config.get(name);
    assertEquals(config.setAtStart(name, words), null, name);
    assertEquals(config.get(name), before, name);
  }
});
