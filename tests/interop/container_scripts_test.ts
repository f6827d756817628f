/**
 * The scripts of the container image, run without a container: what the entry script starts for
 * which arguments, and what the health check says of servers that serve, load, want a password or a
 * certificate, at whatever port.
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { Certificates } from "../support/certificates.ts";
import { freePort, TemporaryDirectory } from "../support/server_process.ts";
import { testUnless, testWith } from "../support/tool_availability.ts";

const DOCKER = fromFileUrl(new URL("../../packaging/docker/", import.meta.url));
const PROGRAM = Deno.env.get("REDENO_COMPILED") ?? "";

/** Programs of a test, found first in the PATH: name to the lines of a shell script. */
async function withPrograms(
  programs: Readonly<Record<string, string>>,
  body: (directory: string, env: Record<string, string>) => Promise<void>,
): Promise<void> {
  await using directory = await TemporaryDirectory.create();
  const bin = join(directory.path, "bin");
  await Deno.mkdir(bin);
  for (const [name, script] of Object.entries(programs)) {
    await Deno.writeTextFile(join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  await body(directory.path, { PATH: `${bin}:${Deno.env.get("PATH")}` });
}

async function run(
  script: string,
  args: readonly string[],
  env: Record<string, string>,
  cwd: string,
): Promise<{ code: number; output: string }> {
  const command = new Deno.Command("sh", { args: [join(DOCKER, script), ...args], env, cwd });
  const { code, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  return { code, output: decoder.decode(stdout) + decoder.decode(stderr) };
}

testWith(["linux"], "the entry script of the image: files, options, commands", async () => {
  const programs = { id: "echo 999", redeno: 'echo "redeno $*"', sh2: 'echo "sh2 $*"' };
  await withPrograms(programs, async (directory, env) => {
    const own = "/etc/redeno/redeno.conf";
    await Deno.writeTextFile(join(directory, "my.conf"), "port 7000\n# protected-mode yes\n");
    await Deno.writeTextFile(join(directory, "strict.conf"), "  Protected-Mode yes\n");
    await Deno.writeTextFile(join(directory, "parts.conf"), "include strict.conf\n");
    const cases: [string[], string][] = [
      [[], `redeno ${own}`],
      [["redeno", own], `redeno ${own}`],
      [["--port", "7000"], `redeno ${own} --port 7000`],
      [["redeno", "--port", "7000"], `redeno ${own} --port 7000`],
      [["redeno"], `redeno ${own}`],
      [["--version"], "redeno --version"],
      [["redeno", "--help"], "redeno --help"],
      // What stands behind it has the last word.
      [["my.conf", "--save", "x"], "redeno my.conf --protected-mode no --save x"],
      [["redeno", "my.conf"], "redeno my.conf --protected-mode no"],
      [["strict.conf"], "redeno strict.conf"],
      [["parts.conf"], "redeno parts.conf"],
      [["redeno", "cli", "ping"], "redeno cli ping"],
      [["sh2", "a b"], "sh2 a b"],
    ];
    for (const [args, started] of cases) {
      const { output } = await run("entrypoint.sh", args, env, directory);
      assertEquals(output, `${started}\n`, args.join(" "));
    }
  });
});

testWith(
  ["linux"],
  "the entry script gives the data to the server's user, then becomes it",
  async () => {
    const programs = {
      id: "echo 0",
      find: 'echo "find $*"',
      setpriv: 'echo "setpriv $*"; umask',
      sh2: "echo sh2",
    };
    await withPrograms(programs, async (directory, env) => {
      const { output } = await run("entrypoint.sh", ["--port", "1"], env, directory);
      assertEquals(output.split("\n"), [
        "find . ! -user redeno -exec chown redeno:redeno {} +",
        "setpriv --reuid=redeno --regid=redeno --init-groups --no-new-privs -- " +
        "redeno /etc/redeno/redeno.conf --port 1",
        "0077",
        "",
      ]);
      // A command of the user's is run as he is.
      assertEquals((await run("entrypoint.sh", ["sh2"], env, directory)).output, "sh2\n");
    });
  },
);

const HEALTH = "the health check asks where the server listens";
if (PROGRAM === "") {
  testUnless("REDENO_COMPILED names no executable", { name: HEALTH, fn: () => {} });
} else {
  testWith(["linux", "openssl"], HEALTH, async () => {
    await using made = await Certificates.create();
    await withPrograms({ redeno: `exec '${PROGRAM}' "$@"` }, async (directory, env) => {
      const conf = join(directory, "my.conf");
      const tls = ["--tls-cert-file", made.path("server.crt"), "--tls-key-file"];
      tls.push(made.path("server.key"), "--tls-ca-cert-file", made.path("ca.crt"));
      const socket = join(directory, "socket");
      const lines = (port: number) => `port 1\n# port 2\n  PORT  "${port}"\n`;
      const cases: ((port: number) => { file?: string; args: string[]; says: string })[] = [
        (port) => ({ file: lines(port), args: [], says: "PONG" }),
        (port) => ({ file: lines(1), args: ["--port", `${port}`], says: "PONG" }),
        (port) => ({ args: ["--port", `${port}`, "--requirepass", "x"], says: "NOAUTH" }),
        (port) => ({
          args: ["--port", "0", "--tls-port", `${port}`, "--tls-auth-clients", "no", ...tls],
          says: "PONG",
        }),
        () => ({ args: ["--port", "0", "--unixsocket", socket], says: "PONG" }),
      ];
      for (const make of cases) {
        const { file, args, says } = make(freePort());
        if (file !== undefined) await Deno.writeTextFile(conf, file);
        const all = [
          ...(file === undefined ? [] : [conf]),
          ...args,
          "--save",
          "",
          "--dir",
          directory,
        ];
        const child = new Deno.Command(PROGRAM, { args: all, stdout: "piped" }).spawn();
        const log = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
        for (let text = ""; !text.includes("Ready to accept");) {
          const { value, done } = await log.read();
          if (done) throw new Error(text);
          text += value;
        }
        const health = () => run("health.sh", [String(child.pid)], env, directory);
        const { code, output } = await health();
        assertStringIncludes(output, says, args.join(" "));
        assertEquals(code, 0, args.join(" "));
        child.kill("SIGKILL");
        await log.cancel();
        await child.status;
        assertEquals((await health()).code === 0, false);
      }
    });
  });
}
