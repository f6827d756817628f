/** Tests of scripts/check_circles.ts. */
import { assertEquals } from "@std/assert";
import { findCircles } from "../../scripts/check_circles.ts";

function imports(...pairs: string[]): { from: string; to: string }[] {
  return pairs.map((pair) => {
    const [from, to] = pair.split(" ");
    return { from: from!, to: to! };
  });
}

Deno.test("a graph without circles has none", () => {
  assertEquals(findCircles(imports("a b", "a c", "b d", "c d")), []);
});

Deno.test("circles of two and more files are found, each once", () => {
  const found = findCircles(imports("a b", "b a", "b c", "c d", "d e", "e c", "e f"));
  assertEquals(found.map((circle) => circle.join("")).sort(), ["ab", "cde"]);
});

Deno.test("client and command may name each other, and nobody else in between", () => {
  const [client, command, third] = ["src/session/client.ts", "src/session/command.ts", "x.ts"];
  assertEquals(findCircles(imports(`${client} ${command}`, `${command} ${client}`)), []);
  const longer = imports(`${client} ${command}`, `${command} ${third}`, `${third} ${client}`);
  assertEquals(findCircles(longer), [[client, command, third]]);
});
