/** Tests of scripts/package.ts: manifests of npm packages, and templates filled in. */
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { existsSync, walkSync } from "@std/fs";
import { executableName, TARGETS } from "../../scripts/build.ts";
import {
  fillTemplate,
  mainManifest,
  makePackages,
  platformManifest,
  platformPackageName,
  templateValues,
} from "../../scripts/package.ts";

const PROJECT = { version: "1.2.3", license: "MIT" };
const PACKAGING = fromFileUrl(new URL("../../packaging", import.meta.url));

Deno.test("the main package asks for the executable of every platform, in its own version", () => {
  const { optionalDependencies, files } = mainManifest(PROJECT, "o/n");
  assertEquals(optionalDependencies, {
    "@redeno/linux-x64": "1.2.3",
    "@redeno/linux-arm64": "1.2.3",
    "@redeno/darwin-x64": "1.2.3",
    "@redeno/darwin-arm64": "1.2.3",
    "@redeno/win32-x64": "1.2.3",
  });
  for (const name of files) assert(Deno.statSync(join(PACKAGING, "npm", name)).isFile);
});

Deno.test("a platform's package is installed where its os and cpu fit", () => {
  for (const target of TARGETS) {
    const { name, os, cpu, files } = platformManifest(target, PROJECT, null);
    assertEquals(name, `@redeno/${os[0]}-${cpu[0]}`);
    assertEquals(files, [os[0] === "win32" ? "redeno.exe" : "redeno"]);
  }
  assertEquals(platformPackageName("x86_64-pc-windows-msvc"), "@redeno/win32-x64");
});

Deno.test("all templates can be filled from a release, and nothing stays open", () => {
  const sums = TARGETS.map((target, i) => `${String(i).repeat(64)}  ${executableName(target)}\n`);
  const values = templateValues(sums.join(""), { version: "1.2.3", repository: "o/n" });
  let count = 0;
  for (const kind of ["winget", "scoop", "homebrew"]) {
    for (const { path } of walkSync(join(PACKAGING, kind), { includeDirs: false })) {
      const text = fillTemplate(Deno.readTextFileSync(path), values);
      assertEquals(text.includes("{{"), false, path);
      assertStringIncludes(text, "1.2.3", path);
      if (path.endsWith(".json")) JSON.parse(text);
      for (const [, name] of text.matchAll(/download\/v1\.2\.3\/([\w.-]+)/g)) {
        const index = TARGETS.findIndex((target) => executableName(target) === name);
        assertStringIncludes(text, String(index).repeat(64), path);
        count++;
      }
    }
  }
  assertEquals(count, 6);
});

Deno.test("a place without a value is an error, as is a checksum that is missing", () => {
  const values = templateValues("", { version: "1" });
  assertEquals(fillTemplate("v{{version}}", values), "v1");
  assertThrows(() => fillTemplate("{{sha256:redeno-x}}", values), RangeError, "sha256:redeno-x");
});

Deno.test("what is missing is told before anything is made", async () => {
  const directory = await Deno.makeTempDir({ prefix: "redeno_test_" });
  try {
    const dist = join(directory, "dist");
    const output = join(dist, "packages");
    const make = (parts: string[], changes: { repository?: string; binaries?: string[] } = {}) =>
      makePackages({ parts, repository: null, dist, output, binaries: [], ...changes });
    const executable = join(dist, executableName(TARGETS[0]));
    // As in a fresh clone.
    assertThrows(() => make([]), Error, `${executable}: deno task compile --all makes it`);
    assertThrows(() => make(["manifests"]), TypeError, "--repository OWNER/NAME");
    const repository = "o/n";
    assertThrows(() => make(["manifests"], { repository }), Error, join(dist, "SHA256SUMS"));
    assertThrows(() => make(["nmp"]), RangeError, "known are npm, manifests, completions");
    assertThrows(() => make(["npm"], { binaries: ["x=y"] }), RangeError, '"x": not a target');
    assertThrows(() => make(["npm"], { binaries: [TARGETS[0]] }), Error, "Cannot find");
    assertEquals(existsSync(dist), false);
    // Some executables, and checksums of fewer: neither is half a release.
    await Deno.mkdir(dist);
    for (const target of TARGETS) await Deno.writeTextFile(join(dist, executableName(target)), "x");
    await Deno.writeTextFile(join(dist, "SHA256SUMS"), "");
    assertThrows(() => make([], { repository }), RangeError, "Cannot fill {{sha256:");
    assertEquals(existsSync(output), false);
    make(["npm", "completions"]);
    assert(existsSync(join(output, "npm", "win32-x64", "redeno.exe")));
    assert(existsSync(join(output, "completions", "_redeno")));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
