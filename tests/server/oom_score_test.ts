/** The OOM score: what is written where for which configuration, and what happens if it cannot. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { Config } from "../../src/config/config.ts";
import { OomScore } from "../../src/server/oom_score.ts";
import { ReplicationState } from "../../src/replication/replication_state.ts";
import { startServer } from "../support/server_process.ts";
import { testWith } from "../support/tool_availability.ts";

/** A configuration that is followed, and the file that stands for the kernel's. */
function follow(
  path: string,
): {
  config: Config;
  lines: string[];
  set: typeof Config.prototype.setMany;
  state: ReplicationState;
} {
  const lines: string[] = [];
  const config = new Config();
  const state = new ReplicationState();
  new OomScore({ warning: (line) => void lines.push(line) }, path).follow(config, state);
  return { config, lines, set: (pairs) => config.setMany(pairs), state };
}

Deno.test("oom-score-adj sets the score, relative or absolute, and gives it back", () => {
  const directory = Deno.makeTempDirSync({ prefix: "redeno_test_" });
  try {
    const path = join(directory, "oom_score_adj");
    Deno.writeTextFileSync(path, "-300\n");
    const { set, lines } = follow(path);
    const score = () => Deno.readTextFileSync(path);
    assertEquals(score(), "-300\n");
    const steps: [string, string, string][] = [
      ["oom-score-adj", "relative", "-300\n"],
      ["oom-score-adj-values", "250 0 0", "-50\n"],
      // Each time from the first score, not from the last.
      ["oom-score-adj-values", "100 200 800", "-200\n"],
      ["oom-score-adj-values", "2000 0 0", "1000\n"],
      ["oom-score-adj-values", "-2000 0 0", "-1000\n"],
      ["oom-score-adj-values", "7 0 0", "-293\n"],
      ["oom-score-adj", "absolute", "7\n"],
      ["oom-score-adj", "no", "-300\n"],
      ["oom-score-adj-values", "9 0 0", "-300\n"],
    ];
    for (const [name, value, expected] of steps) {
      assertEquals(set([[name, value]]), null, `${name} ${value}`);
      assertEquals(score(), expected, `${name} ${value}`);
    }
    assertEquals(lines, []);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

Deno.test("a replica has the second of the scores, for as long as it is one", () => {
  const directory = Deno.makeTempDirSync({ prefix: "redeno_test_" });
  try {
    const path = join(directory, "oom_score_adj");
    Deno.writeTextFileSync(path, "10\n");
    const { set, state } = follow(path);
    const score = () => Deno.readTextFileSync(path);
    state.role = "replica";
    assertEquals(score(), "10\n", "it is not wanted");
    set([["oom-score-adj", "relative"], ["oom-score-adj-values", "100 200 800"]]);
    assertEquals(score(), "210\n");
    state.role = "master";
    assertEquals(score(), "110\n");
    set([["oom-score-adj", "absolute"]]);
    state.role = "replica";
    assertEquals(score(), "200\n");
    set([["oom-score-adj-values", "100 300 800"]]);
    assertEquals(score(), "300\n");
    set([["oom-score-adj", "no"]]);
    assertEquals(score(), "10\n");
    state.role = "master";
    assertEquals(score(), "10\n");
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

Deno.test("CONFIG SET oom-score-adj fails where the kernel's file cannot be had", () => {
  const { set, config, lines } = follow(join("no", "such", "directory", "file"));
  assertStringIncludes(
    set([["oom-score-adj", "yes"]])!,
    "Failed to apply new oom_score_adj configuration, check server logs.",
  );
  assertEquals(config.oomScoreAdj, "no");
  assertEquals(lines, ["Reading oom_score_adj failed: No such file or directory"]);
  // Values alone touch nothing.
  assertEquals(set([["oom-score-adj-values", "1 2 3"]]), null);
});

testWith(["linux"], "the program sets its score", async () => {
  const args = ["--oom-score-adj", "absolute", "--oom-score-adj-values", "900 900 900"];
  await using server = await startServer({ target: "redeno", args });
  const path = `/proc/${server.pid}/oom_score_adj`;
  assertEquals(Deno.readTextFileSync(path), "900\n", server.log);
  using client = await server.connect();
  assertEquals(await client.expect("CONFIG", "SET", "oom-score-adj-values", "950 0 0"), "OK");
  assertEquals(Deno.readTextFileSync(path), "950\n");
});
