/** ACL categories that follow from flags, in Redis's order. */
import { assertEquals } from "@std/assert";
import { categoriesOf, isCategory } from "../../src/session/command_categories.ts";
import type { CommandFlag, RedisCommand } from "../../src/session/command.ts";

function commandWith(flags: readonly CommandFlag[], categories: readonly string[]): RedisCommand {
  return {
    name: "test",
    proc: () => {},
    arity: 1,
    flags,
    keys: [0, 0, 0],
    categories,
    since: "1.0.0",
    group: "server",
    complexity: "O(1)",
    summary: "Does nothing.",
  };
}

Deno.test("categories follow from flags, and are named in one order", () => {
  const cases: [CommandFlag[], string[], string[]][] = [
    [[], [], ["@slow"]],
    [["fast"], ["@string"], ["@string", "@fast"]],
    [["write", "blocking"], ["@list"], ["@write", "@list", "@slow", "@blocking"]],
    [["admin"], [], ["@admin", "@slow", "@dangerous"]],
    [["readonly"], ["@dangerous", "@keyspace"], ["@keyspace", "@read", "@slow", "@dangerous"]],
    [["readonly"], ["@scripting"], ["@slow", "@scripting"]],
    [["pubsub"], [], ["@pubsub", "@slow"]],
  ];
  for (const [flags, own, expected] of cases) {
    assertEquals(categoriesOf(commandWith(flags, own)), expected);
  }
});

Deno.test("categories are known by name", () => {
  assertEquals(isCategory("@sortedset"), true);
  assertEquals(isCategory("sortedset"), false);
  assertEquals(isCategory("@nosuch"), false);
});
