/**
 * The npm packages: made by scripts/package.ts around the executable that REDENO_COMPILED names,
 * installed by npm into an empty project, and used as a program and from a script on Node.js.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { existsSync } from "@std/fs";
import { fromFileUrl, join } from "@std/path";
import { type Target, TARGETS } from "../../scripts/build.ts";
import { npmPlatform } from "../../scripts/package.ts";
import { RespClient } from "../support/resp_client.ts";
import { TemporaryDirectory } from "../support/server_process.ts";
import { until } from "../support/text.ts";
import { programVersion, runTool, testUnless } from "../support/tool_availability.ts";

const ROOT = fromFileUrl(new URL("../..", import.meta.url));
const NPM = Deno.build.os === "windows" ? "npm.cmd" : "npm";
const NPX = Deno.build.os === "windows" ? "npx.cmd" : "npx";
const program = Deno.env.get("REDENO_COMPILED") ?? "";
const reason = program === ""
  ? "REDENO_COMPILED names no executable"
  : programVersion(NPM) === null
  ? "npm not found"
  : null;

/** Uses the API as a test suite does; no client is at hand, so it speaks inline commands. */
const SCRIPT = `
import { connect } from "node:net";
import { existsSync } from "node:fs";
import { startServer } from "redeno";

function ask(port, line) {
  return new Promise((resolve, reject) => {
    let reply = "";
    const socket = connect(port, "127.0.0.1", () => socket.end(line + "\\r\\n"));
    socket.on("data", (bytes) => reply += bytes).on("error", reject);
    socket.on("close", () => resolve(reply));
  });
}

const lines = [];
const one = await startServer({ log: (line) => lines.push(line) });
const two = await startServer({
  config: { save: ["900 1", "300 10"], appendonly: true, user: "bob on nopass ~* +@all" },
});
console.log(one.port !== two.port, one.url === "redis://127.0.0.1:" + one.port);
console.log(JSON.stringify(await ask(one.port, "PING")));
console.log(JSON.stringify(await ask(two.port, "CONFIG GET save")));
console.log(JSON.stringify(await ask(two.port, "AUTH bob any")));
console.log(lines.some((line) => line.includes("Ready to accept connections")));
await ask(two.port, "SET k v");
await Promise.all([one.close(), one.close()]);
await ask(two.port, "SHUTDOWN");
await two.closed;
console.log(existsSync(one.directory), existsSync(two.directory));
const failure = await startServer({ config: { maxmemory: "lots" } }).catch((error) => error);
console.log(failure.message.includes("argument must be a memory value"));
const third = await startServer();
console.log(third.pid);
console.log(third.directory);
// Left running: the process ends all the same, and takes the server along.
`;

/** Leaves two servers running, says where they are, and waits for a signal. */
const WAITING_SCRIPT = `
import { startServer } from "redeno";

const own = await startServer({ directory: process.argv[2], config: { save: "900 1" } });
const temporary = await startServer({ config: { appendonly: true } });
setInterval(() => {}, 1000);
console.log(JSON.stringify([own, temporary].map(({ pid, directory, port }) => {
  return { pid, directory, port };
})));
`;

testUnless(reason, {
  name: "npm installs the executable; npx runs it, and a script starts servers",
  fn: async () => {
    await using directory = await TemporaryDirectory.create();
    const project = join(directory.path, "project");
    await installPackages(directory.path, project);

    const version = await runTool(NPX, ["--no", "redeno", "--", "--version"], { cwd: project });
    assertStringIncludes(version.stdout, "Redeno server v=7.4.2");
    const wrong = ["--no", "redeno", "--", "--port", "many"];
    const failed = await runTool(NPX, wrong, { cwd: project, anyExitCode: true });
    assertEquals(failed.code, 1);
    assertStringIncludes(failed.stderr, "'port \"many\"'");

    await Deno.writeTextFile(join(project, "script.mjs"), SCRIPT);
    const { stdout } = await runTool("node", ["script.mjs"], { cwd: project });
    const lines = stdout.trim().split("\n");
    const left = lines.pop()!;
    const pid = Number(lines.pop());
    assertEquals(lines, [
      "true true",
      '"+PONG\\r\\n"',
      '"*2\\r\\n$4\\r\\nsave\\r\\n$12\\r\\n900 1 300 10\\r\\n"',
      '"+OK\\r\\n"',
      "true",
      "false false",
      "true",
    ]);
    if (Deno.build.os === "linux") await until("the last server ends", () => !isRunning(pid));
    await until("its directory is gone", () => !existsSync(left));
  },
});

interface LeftServer {
  readonly pid: number;
  readonly directory: string;
  readonly port: number;
}

async function serversEndWithNode(): Promise<void> {
  await using project = await TemporaryDirectory.create();
  const script = join(project.path, "script.mjs");
  const module = new URL("../../packaging/npm/index.js", import.meta.url).href;
  await Deno.writeTextFile(script, WAITING_SCRIPT.replace('"redeno"', `"${module}"`));
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP", "SIGKILL"] as const) {
    const directory = join(project.path, signal);
    await Deno.mkdir(directory);
    const node = new Deno.Command("node", {
      args: [script, directory],
      env: { REDENO_BINARY: program },
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const output = node.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const servers: LeftServer[] = JSON.parse((await output.read()).value!);
    for (const { port } of servers) {
      using client = await RespClient.connect(port);
      await client.expect("SET", "k", "v");
    }
    // To Node alone, and it still ends of it.
    node.kill(signal);
    await output.cancel();
    if (Deno.build.os !== "windows") assertEquals((await node.status).signal, signal);
    for (const server of servers) {
      await until("the server ends", () => isClosed(server.port));
    }
    const [own, temporary] = servers;
    await until("the temporary directory is gone", () => !existsSync(temporary!.directory));
    // Windows has no way to ask for the end: there it is not saved.
    if (Deno.build.os !== "windows") assert(existsSync(join(own!.directory, "dump.rdb")));
  }
}

testUnless(reason, {
  name: "servers that are left running end with Node, by whatever signal",
  fn: serversEndWithNode,
});

async function isClosed(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return false;
  } catch (error) {
    return error instanceof Deno.errors.ConnectionRefused;
  }
}

function isRunning(pid: number): boolean {
  try {
    // What has ended but was not waited for yet counts as ended.
    return !/^State:\s+Z/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** The target of this machine. */
function ownTarget(): Target {
  const os = Deno.build.os === "windows" ? "win32" : Deno.build.os;
  const cpu = Deno.build.arch === "x86_64" ? "x64" : "arm64";
  return TARGETS.find((target) => {
    const platform = npmPlatform(target);
    return platform.os === os && platform.cpu === cpu;
  })!;
}

/** Makes the two packages, packs them as for the registry, and installs them without a network. */
async function installPackages(directory: string, project: string): Promise<void> {
  const output = join(directory, "packages");
  const binary = `${ownTarget()}=${program}`;
  const pack = ["scripts/package.ts", "npm", "--binary", binary, "--output", output];
  await runTool(Deno.execPath(), ["run", "-A", ...pack], { cwd: ROOT });
  const { os, cpu } = npmPlatform(ownTarget());
  const folders = ["redeno", `${os}-${cpu}`].map((name) => join(output, "npm", name));
  await runTool(NPM, ["pack", ...folders], { cwd: output });
  const archives = [...Deno.readDirSync(output)].map(({ name }) => name)
    .filter((name) => name.endsWith(".tgz")).map((name) => join(output, name));
  assertEquals(archives.length, 2);
  await Deno.mkdir(project);
  await Deno.writeTextFile(join(project, "package.json"), '{ "private": true }');
  const install = ["install", "--offline", "--no-audit", "--no-fund", ...archives];
  await runTool(NPM, install, { cwd: project });
}
