/**
 * The TLS port through tools that nobody here wrote: redis-cli, redis-benchmark, redis-py, ioredis
 * and node-redis, with client certificates, an ACL user, RESP3 and client-side caching.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { Certificates } from "../support/certificates.ts";
import { freePort, runToEnd, type ServerProcess, startServer } from "../support/server_process.ts";
import {
  NPM_RUN_ARGUMENTS,
  pythonWithRedis,
  runTool,
  testUnless,
  testWith,
} from "../support/tool_availability.ts";

/** The program as it is released, if there is one (see compiled_executable_test.ts). */
const COMPILED = Deno.env.get("REDENO_COMPILED") ?? "";

interface TlsServer {
  readonly made: Certificates;
  readonly server: ServerProcess;
  readonly tlsPort: number;
}

/** Runs a test with a server that serves TLS beside its plain port and knows a user alice. */
async function withTls(
  directives: readonly string[],
  body: (context: TlsServer) => Promise<void>,
  program = "",
): Promise<void> {
  await using made = await Certificates.create();
  const tlsPort = freePort();
  const files = ["cert-file", "server.crt", "key-file", "server.key", "ca-cert-file", "ca.crt"];
  const args = ["--tls-port", String(tlsPort), ...directives];
  for (let index = 0; index < files.length; index += 2) {
    args.push(`--tls-${files[index]}`, made.path(files[index + 1]));
  }
  await using server = await startServer(program === "" ? { args } : { args, program });
  using client = await server.connect();
  await client.expect("ACL", "SETUSER", "alice", "on", ">s3cret", "~app:*", "&*", "+@all");
  await body({ made, server, tlsPort });
}

/** Arguments with which redis-cli and redis-benchmark connect; `name` is the certificate shown. */
function cliArguments({ made, tlsPort }: TlsServer, name: string): string[] {
  const args = ["--tls", "-h", "localhost", "-p", String(tlsPort), "--cacert", made.path("ca.crt")];
  return name === ""
    ? args
    : [...args, "--cert", made.path(`${name}.crt`), "--key", made.path(`${name}.key`)];
}

testWith(["openssl", "redis-cli"], "redis-cli --tls: certificates, ACL user, RESP3", async () => {
  await withTls([], async (context) => {
    const cli = async (name: string, ...args: string[]) => {
      const all = [...cliArguments(context, name), ...args];
      const { stdout, stderr } = await runTool("redis-cli", all, { anyExitCode: true });
      return (stdout + stderr).trim();
    };
    const login = ["--user", "alice", "--pass", "s3cret", "--no-auth-warning"];
    assertEquals(await cli("client", ...login, "acl", "whoami"), "alice");
    assertEquals(await cli("client", ...login, "-3", "hset", "app:h", "a", "1"), "1");
    assertStringIncludes(await cli("client", "-3", "hello"), "proto");
    assertEquals(await cli("client", "client", "tracking", "on"), "OK");
    for (const name of ["", "stranger"]) {
      assert(!(await cli(name, "ping")).includes("PONG"), `served: "${name}"`);
    }
    using plain = await context.server.connect();
    await plain.expect("CONFIG", "SET", "tls-auth-clients", "no");
    assertEquals(await cli("", "ping"), "PONG");
  });
});

testWith(
  ["openssl", "redis-benchmark"],
  "redis-benchmark --tls ends without an error",
  async () => {
    await withTls(["--tls-auth-clients", "no"], async (context) => {
      const load = ["-n", "2000", "-c", "50", "-P", "4", "--csv", "-t", "set,get,lpush,lrange_100"];
      const args = [...cliArguments(context, ""), ...load];
      const { stdout, stderr } = await runTool("redis-benchmark", args);
      assertEquals(stdout.trim().split("\n").length, 6, stdout + stderr);
      assertEquals(/error/i.test(stdout + stderr), false, stdout + stderr);
    });
  },
);

const FORBIDDEN = "NOPERM this user has no permissions to access one of the keys used as arguments";
const STEPS = [
  ["whoami", "alice"],
  ["forbidden", FORBIDDEN],
  ["large", 300_000],
  ["many", 124_750],
];

async function steps(program: string, args: readonly string[]): Promise<unknown[]> {
  const { stdout } = await runTool(program, args);
  return stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
}

function scriptPath(name: string): string {
  return fromFileUrl(new URL(name, import.meta.url));
}

async function npmSteps(script: string, { made, tlsPort }: TlsServer): Promise<unknown[]> {
  const permissions = ["--allow-net", "--allow-env", "--allow-sys", "--allow-read"];
  const args = ["run", "--quiet", ...NPM_RUN_ARGUMENTS, ...permissions];
  const path = scriptPath(`npm/${script}`);
  return await steps(Deno.execPath(), [...args, path, String(tlsPort), made.directory]);
}

testWith(["openssl", "redis-py"], "redis-py over TLS", async () => {
  await withTls([], async ({ made, tlsPort }) => {
    const args = [scriptPath("python/tls_session.py"), String(tlsPort), made.directory];
    // redis-py takes the code of an error off its text.
    const expected = STEPS.map(([name, value]) => [name, String(value).replace("NOPERM ", "")]);
    const invalidated = ["invalidated", ["__redis__:invalidate", ["app:cached"]]];
    const seen = await steps(pythonWithRedis()!, args);
    assertEquals(seen.slice(0, 4).map((one) => (one as unknown[]).map(String)), expected);
    assertEquals(seen[4], invalidated);
  });
});

testWith(["openssl", "npm:ioredis@5"], "ioredis over TLS", async () => {
  await withTls([], async (context) => {
    assertEquals(await npmSteps("ioredis_tls.mjs", context), [
      ...STEPS,
      ["tracking", "OK"],
      // ioredis makes text of the list of keys.
      ["invalidated", ["__redis__:invalidate", "app:cached"]],
    ]);
  });
});

testWith(["openssl", "npm:redis@5"], "node-redis over TLS with RESP3 and its cache", async () => {
  await withTls([], async (context) => {
    assertEquals(await npmSteps("node_redis_tls.mjs", context), [
      ["whoami", "alice"],
      ["forbidden", FORBIDDEN],
      ["map", { a: "1", b: "2" }],
      ["read", ["old", "old"]],
      ["read again", "new"],
    ]);
  });
});

testWith(
  ["openssl"],
  "a start without a usable certificate is refused, with the reason",
  async () => {
    await using made = await Certificates.create();
    const port = ["--port", "0", "--tls-port", String(freePort()), "--save", ""];
    const key = ["--tls-key-file", made.path("server.key")];
    const cert = ["--tls-cert-file", made.path("server.crt")];
    const missing = "/no/such.crt";
    const cases: [string[], string][] = [
      [[], "TLS needs a certificate: tls-cert-file is empty"],
      [
        ["--tls-cert-file", missing, ...key, "--tls-auth-clients", "no"],
        `certificate is no good: ${missing}`,
      ],
      // Nobody who asked for client certificates is left without the check.
      [[...cert, ...key], "cannot be checked without an authority: set tls-ca-cert-file"],
    ];
    for (const [args, reason] of cases) {
      const { code, output } = await runToEnd("redeno", [...port, ...args]);
      assertEquals(code, 1, output);
      assertStringIncludes(output, reason);
      assertStringIncludes(output, "TLS cannot be served");
    }
  },
);

const NAME_OF_COMPILED = "the executable serves TLS";
if (COMPILED === "") {
  testUnless("REDENO_COMPILED names no executable", { name: NAME_OF_COMPILED, fn: () => {} });
} else {
  testWith(["openssl", "redis-cli"], NAME_OF_COMPILED, async () => {
    await withTls(["--tls-auth-clients", "no"], async (context) => {
      const { stdout } = await runTool("redis-cli", [...cliArguments(context, ""), "ping"]);
      assertEquals(stdout, "PONG\n");
    }, COMPILED);
  });
}
