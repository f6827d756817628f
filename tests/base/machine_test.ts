/** Machine: what is asked for once is what the runtime says. */
import { assertEquals } from "@std/assert";
import { programPath, systemMemoryBytes, systemName } from "../../src/base/machine.ts";

Deno.test("the machine is what the runtime says it is, each time", () => {
  for (const _ of ["asked", "remembered"]) {
    assertEquals(systemMemoryBytes(), Deno.systemMemoryInfo().total);
    assertEquals(programPath(), Deno.execPath());
    const [system, release, architecture, ...rest] = systemName().split(" ");
    assertEquals(system.toLowerCase(), Deno.build.os);
    assertEquals(release, Deno.osRelease());
    assertEquals(architecture, Deno.build.arch);
    assertEquals(rest, []);
  }
});
