/** Tests of src/cli/line_history.ts. */
import { assertEquals } from "@std/assert";
import {
  HISTORY_LINES_MAX,
  historyPath,
  isSecret,
  LineHistory,
} from "../../src/cli/line_history.ts";
import { TemporaryDirectory } from "../support/server_process.ts";

Deno.test("commands that carry a secret are known", () => {
  const secret = [
    "AUTH x",
    "acl setuser bob >pw",
    "config set maxmemory 1 requirepass x",
    "hello 3 auth default x",
    "migrate h 1 k 0 1 auth2 u p",
  ];
  for (const line of secret) assertEquals(isSecret(line.split(" ")), true, line);
  for (const line of ["get auth", "acl whoami", "config get requirepass", "hello 3"]) {
    assertEquals(isSecret(line.split(" ")), false, line);
  }
});

Deno.test("the history lies in the home directory unless a variable says otherwise", () => {
  const path = (variables: Record<string, string>) => historyPath((name) => variables[name]);
  assertEquals(path({ HOME: "/home/bob" }), "/home/bob/.redeno_history");
  assertEquals(path({ USERPROFILE: "C:\\Users\\bob" }), "C:\\Users\\bob/.redeno_history");
  assertEquals(path({ HOME: "/home/bob", REDENO_HISTFILE: "/tmp/h" }), "/tmp/h");
  assertEquals(path({ HOME: "/home/bob", REDENO_HISTFILE: "/dev/null" }), null);
  assertEquals(path({}), null);
});

Deno.test("lines are appended to the file, which only its owner can read", async () => {
  await using directory = await TemporaryDirectory.create();
  const path = `${directory.path}/history`;
  const first = new LineHistory(path);
  const second = new LineHistory(path);
  first.add("get a");
  first.add("get a");
  second.add("get b");
  assertEquals(first.lines, ["get a"], "a repeated line is kept once");
  assertEquals(new LineHistory(path).lines, ["get a", "get b"]);
  const { mode } = Deno.statSync(path);
  if (Deno.build.os !== "windows") assertEquals(mode! & 0o777, 0o600);
});

Deno.test("a long history is cut to its newest lines", async () => {
  await using directory = await TemporaryDirectory.create();
  const path = `${directory.path}/history`;
  Deno.writeTextFileSync(
    path,
    Array.from({ length: HISTORY_LINES_MAX + 5 }, (_, i) => `${i}\n`).join(""),
  );
  const history = new LineHistory(path);
  assertEquals([history.lines.length, history.lines[0]], [HISTORY_LINES_MAX, "5"]);
  assertEquals(Deno.readTextFileSync(path).split("\n")[0], "5");
  history.add("new");
  assertEquals([history.lines.length, history.lines[0]], [HISTORY_LINES_MAX, "6"]);
});

Deno.test("a file that cannot be used is done without", () => {
  const history = new LineHistory("/nonexistent/directory/history");
  history.add("get a");
  assertEquals(history.lines, ["get a"]);
});
