/** Tests of scripts/check_layers.ts. */
import { assertEquals } from "@std/assert";
import {
  addModules,
  judgeImport,
  LAYERS,
  type ModuleGraph,
  readGraph,
} from "../../scripts/check_layers.ts";

Deno.test("imports downwards and within a layer are allowed", () => {
  const allowed = [
    ["src/server/a.ts", "src/commands/b.ts"],
    ["src/session/a.ts", "src/base/b.ts"],
    ["src/server/a.ts", "src/server/b.ts"],
    ["src/persistence/a.ts", "src/protocol/b.ts"],
    ["src/base/a.ts", "src/std/path/mod.ts"],
    ["src/base/a.ts", "node:buffer"],
    ["main.ts", "src/commands/a.ts"],
    ["scripts/a.ts", "src/base/a.ts"],
  ] as const;
  for (const [from, to] of allowed) assertEquals(judgeImport({ from, to }), null, `${from} ${to}`);
});

Deno.test("imports upwards, sideways and out of the house are named", () => {
  const cases = [
    ["src/observers/a.ts", "src/commands/b.ts", "observers may not import commands"],
    ["src/base/a.ts", "src/memory/b.ts", "base may not import memory"],
    ["src/memory/a.ts", "src/protocol/b.ts", "memory may not import protocol"],
    ["src/utils/a.ts", "src/base/b.ts", '"utils" is not a layer'],
    ["src/base/a.ts", "tests/support/b.ts", "leaves src/"],
    ["src/base/a.ts", "npm:left-pad", "is neither Node's nor @std"],
    ["src/base/a.ts", "https://deno.land/x/a.ts", "is neither Node's nor @std"],
    ["main.ts", "tests/support/b.ts", "main.ts is production code"],
    ["mod.ts", "scripts/b.ts", "mod.ts is production code"],
  ] as const;
  for (const [from, to, reason] of cases) assertEquals(judgeImport({ from, to }), reason);
});

Deno.test("every layer may import only layers below it", () => {
  const order = Object.keys(LAYERS);
  for (const [layer, allowed] of Object.entries(LAYERS)) {
    for (const each of allowed) {
      assertEquals(order.indexOf(each) < order.indexOf(layer), true, `${layer}: ${each}`);
    }
  }
});

Deno.test("imports of values and of types alike enter the graph, as do load errors", () => {
  const graph: ModuleGraph = { files: new Set(), imports: [], errors: [] };
  const modules = [
    {
      specifier: "file:///r/src/base/a.ts",
      dependencies: [
        { specifier: "./b.ts", code: { specifier: "file:///r/src/base/b.ts" } },
        { specifier: "./t.ts", type: { specifier: "file:///r/src/memory/t.ts" } },
        { specifier: "./x.ts", code: { error: "not found" } },
      ],
    },
    { specifier: "file:///r/src/base/b.ts", error: "cannot be parsed" },
    { specifier: "node:path" },
  ];
  addModules(graph, modules, "file:///r/");
  addModules(graph, modules, "file:///r/");
  assertEquals([...graph.files], ["src/base/a.ts", "src/base/b.ts"]);
  assertEquals(graph.imports, [
    { from: "src/base/a.ts", to: "src/base/b.ts" },
    { from: "src/base/a.ts", to: "src/memory/t.ts" },
  ]);
  assertEquals(new Set(graph.errors).size, 2);
});

Deno.test("deno info is understood: a type-only import of a real file is seen", () => {
  const graph = readGraph(["scripts/tidy.ts"]);
  assertEquals(graph.errors, []);
  assertEquals(graph.files.has("scripts/source_text.ts"), true);
  assertEquals(graph.files.has("src/std/path/mod.ts"), true);
  const typed = readGraph(["tests/scripts/type_import_fixture.ts"]);
  const wanted = { from: "tests/scripts/type_import_fixture.ts", to: "src/base/log.ts" };
  assertEquals(typed.imports.filter(({ from }) => from === wanted.from), [wanted]);
});
