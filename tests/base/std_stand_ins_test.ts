/**
 * Tests of the stand-ins in src/std. They import the packages by name, so that they judge the real
 * ones as well where "links" has been taken out of deno.json: both must pass.
 */
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  AssertionError,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
  fail,
} from "@std/assert";
import { parseArgs } from "@std/cli";
import { ensureDirSync, existsSync, walkSync } from "@std/fs";
import { basename, dirname, fromFileUrl, isAbsolute, join, resolve } from "@std/path";

Deno.test("each assertion passes what is so and throws AssertionError otherwise", () => {
  const pairs: [() => void, () => void][] = [
    [() => assert(1), () => assert(0)],
    [() => assertEquals({ a: [1n] }, { a: [1n] }), () => assertEquals([1], [2])],
    [
      () => assertEquals(new Uint8Array([1]), new Uint8Array([1])),
      () => assertEquals<unknown>(0, "0"),
    ],
    [() => assertEquals(NaN, NaN), () => assertEquals<unknown>(null, undefined)],
    [() => assertNotEquals([1], [2]), () => assertNotEquals([1], [1])],
    [() => assertStrictEquals("a", "a"), () => assertStrictEquals<unknown>([], [])],
    [() => assertMatch("abc", /b/), () => assertMatch("abc", /d/)],
    [() => assertStringIncludes("abc", "bc"), () => assertStringIncludes("abc", "d")],
    [() => assertAlmostEquals(1, 1.05, 0.1), () => assertAlmostEquals(1, 1.2, 0.1)],
    [() => {}, () => fail("always")],
  ];
  for (const [good, bad] of pairs) {
    good();
    assertThrows(bad, AssertionError);
  }
});

Deno.test("assertThrows and assertRejects judge class and message and hand over the error", async () => {
  const throwing = () => {
    throw new TypeError("Cannot do this");
  };
  assertStrictEquals(assertThrows(throwing, TypeError, "do this").message, "Cannot do this");
  assertThrows(() => assertThrows(throwing, RangeError), AssertionError);
  assertThrows(() => assertThrows(throwing, TypeError, "that"), AssertionError);
  assertThrows(() => assertThrows(() => 1), AssertionError);
  const rejecting = () => Promise.reject(new RangeError("Cannot wait"));
  assertStrictEquals((await assertRejects(rejecting, RangeError)).message, "Cannot wait");
  await assertRejects(() => assertRejects(rejecting, TypeError), AssertionError);
  await assertRejects(() => assertRejects(() => Promise.resolve()), AssertionError);
});

Deno.test("parseArgs reads long, short, repeated and final arguments", () => {
  const args = [
    "--port",
    "6380",
    "--dir=a b",
    "-v",
    "--no-color",
    "--save",
    "900 1",
    "--save=",
    "x",
  ];
  const parsed = parseArgs([...args, "--", "--not", "7"], {
    boolean: ["v", "color", "quiet"],
    string: ["dir", "save"],
    collect: ["save"],
    alias: { v: "version" },
    default: { host: "localhost" },
    "--": true,
  });
  assertEquals(parsed.port, 6380);
  assertEquals(parsed.dir, "a b");
  assertEquals([parsed.v, parsed.version, parsed.color, parsed.quiet], [true, true, false, false]);
  assertEquals(parsed.save, ["900 1", ""]);
  assertEquals(parsed.host, "localhost");
  assertEquals(parsed._, ["x"]);
  assertEquals(parsed["--"], ["--not", "7"]);
});

Deno.test("parseArgs stops early on demand, and knows negative numbers and letter groups", () => {
  assertEquals(parseArgs(["a", "--b"], { stopEarly: true })._, ["a", "--b"]);
  const parsed = parseArgs(["-abn5", "--low", "-3", "-1"], { boolean: ["a", "b"] });
  assertEquals([parsed.a, parsed.b, parsed.n, parsed.low], [true, true, 5, -3]);
  assertEquals(parsed._, [-1]);
});

Deno.test("directories are made, found and walked", () => {
  const root = Deno.makeTempDirSync();
  try {
    ensureDirSync(join(root, "a", "b"));
    ensureDirSync(join(root, "a", "b"));
    Deno.writeTextFileSync(join(root, "a", "one.ts"), "");
    Deno.writeTextFileSync(join(root, "a", "b", "two.js"), "");
    assert(existsSync(join(root, "a"), { isDirectory: true }));
    assert(!existsSync(join(root, "a"), { isFile: true }));
    assert(!existsSync(join(root, "none")));
    const names = [...walkSync(root, { includeDirs: false })].map((entry) => basename(entry.path));
    assertEquals(names.toSorted(), ["one.ts", "two.js"]);
    const kept = [...walkSync(root, { includeDirs: false, exts: [".ts"], skip: [/[\\/]b$/] })];
    assertEquals(kept.map((entry) => entry.name), ["one.ts"]);
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
});

Deno.test("paths are joined, taken apart and made from file URLs", () => {
  assertEquals(dirname(join("a", "..", "b", "c.ts")), "b");
  assertEquals(basename("b/c.ts", ".ts"), "c");
  assert(isAbsolute(resolve("a")));
  assertEquals(resolve(fromFileUrl(import.meta.url)), fromFileUrl(import.meta.url));
});
