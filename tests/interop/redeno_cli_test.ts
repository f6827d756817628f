/**
 * `redeno cli` beside redis-cli 7.0.15: the same arguments and the same input, against the same
 * server, must give the same output, the same errors and the same exit code, byte for byte.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { startRedis } from "../support/redis_process.ts";
import {
  freePort,
  launchCommand,
  type ServerProcess,
  startServer,
} from "../support/server_process.ts";
import { TemporaryDirectory } from "../support/server_process.ts";
import { fromLatin1, latin1 } from "../support/text.ts";
import {
  missingReason,
  programVersion,
  runTool,
  testUnless,
  testWith,
} from "../support/tool_availability.ts";

interface Result {
  code: number;
  stdout: string;
  stderr: string;
}

async function run(
  program: readonly string[],
  args: readonly string[],
  stdin: string,
  env: Record<string, string>,
): Promise<Result> {
  const child = new Deno.Command(program[0], {
    args: [...program.slice(1), ...args],
    cwd: new URL("../../", import.meta.url),
    env: { TERM: "xterm", ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(600_000),
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(latin1(stdin)).catch(() => {});
  await writer.close().catch(() => {});
  const { code, stdout, stderr } = await child.output();
  return { code, stdout: fromLatin1(stdout), stderr: fromLatin1(stderr) };
}

function runOurs(args: readonly string[], stdin = "", env = {}): Promise<Result> {
  return run([...launchCommand("redeno"), "cli"], args, stdin, env);
}

/** Runs both and compares; the text of `redis-cli` is what is expected. */
async function same(args: readonly string[], stdin = "", env = {}): Promise<Result> {
  const expected = await run(["redis-cli"], args, stdin, env);
  const actual = await runOurs(args, stdin, env);
  assertEquals(actual, expected, `redeno cli ${args.join(" ")}`);
  return actual;
}

/** Commands whose replies are of every shape, and the same each time. */
const SESSION = String.raw`
flushall
set a "x\x00\xff\"quoted\"\r\n"
get a
get missing
set empty ""
get empty
append a 'single \' quote'
set a
nosuch command here
incr n
5 incr n
incr a
get "unbalanced
0 get a
rpush l a b c d e f g h i j k
lrange l 0 -1
lrange l 5 4
llen l
sadd s one
smembers s
hset h field value other "v 2"
hgetall h
hgetall missing
zadd z 1.5 a 2 b inf c
zrange z 0 -1 withscores
zscore z a
zmscore z a missing b
xadd x 1-1 field value f2 v2
xadd x 1-2 g w
xrange x - +
xread streams x 0
xinfo stream x full
xgroup create x group 0
xpending x group
command info get nosuch
command docs nosuch
memory help
object encoding l
sort l alpha limit 0 2
geoadd g 13.361389 38.115556 Palermo
geopos g Palermo missing
geosearch g fromlonlat 15 37 byradius 200 km asc withdist withcoord
eval "return {1,'two',{3,{4}},false}" 0
eval "return redis.error_reply('MY error')" 0
multi
set t 1
incr t
lpush t x
lrange l 0 1
exec
multi
nosuch
exec
multi
set t 5
discard
select 3
set b 1
dbsize
select 99
select 0
type l
ping
ping "hello\tworld"
echo "\xc3\xa4\xe2\x82\xac"
:set nohints
:set nosuch
:nosuch
restart
ttl a
config get maxmemory
acl whoami
client getname
latency doctor
client no-evict off
reset
get a
`;

const PROTOCOL_TYPES = [
  ..."string integer double null array set map push verbatim true false".split(" "),
];

const MODES = [[], ["--no-raw"], ["--csv"], ["--json"], ["--quoted-json"], ["-d", "~", "-D", "%"]];

async function compareSession(server: ServerProcess): Promise<void> {
  const port = String(server.port);
  const session = SESSION + PROTOCOL_TYPES.map((type) => `debug protocol ${type}\n`).join("");
  for (const mode of MODES) {
    for (const protocol of [[], ["-2"], ["-3"]]) {
      const { stdout } = await same(["-p", port, ...mode, ...protocol], session);
      assert(stdout.length > 2000, "the session has been run");
    }
  }
}

testWith(["redis-cli"], "a piped session prints what redis-cli prints, in every mode", async () => {
  await using server = await startServer({ args: ["--enable-debug-command", "yes"] });
  await compareSession(server);
});

testWith(
  ["redis-cli", "redis-server"],
  "a piped session with redis-server prints what redis-cli prints, in every mode",
  async () => {
    await using server = await startRedis();
    await compareSession(server);
  },
);

testWith(["redis-cli"], "commands on the command line behave as redis-cli's", async () => {
  await using server = await startServer();
  const at = (...args: string[]) => ["-p", String(server.port), ...args];
  await same(at("set", "key", "värld €"));
  await same(at("--no-raw", "get", "key"));
  await same(at("-r", "3", "echo", "x"));
  await same(at("-r", "2", "-i", "0.01", "ping"));
  await same(at("-x", "set", "file"), "lines\nof\r\na file\x00\xff");
  await same(at("get", "file"));
  await same(at("-X", "TAG", "set", "TAG", "v"), "key from input");
  await same(at("-X", "TAG", "set", "k", "v"), "x");
  await same(at("--quoted-input", "set", '"q\\x00\\xff"', "'v w'"));
  await same(at("--quoted-input", "get", '"q\\x00\\xff"'));
  await same(at("--quoted-input", "get", '"unbalanced'));
  await same(at("-e", "get"));
  await same(at("-e", "get", "key"));
  await same(at("-n", "2", "set", "in2", "1"));
  await same(at("-n", "2", "keys", "*"));
  await same(at("-n", "99", "ping"));
  await same(at("nosuch"));
  await same(at("--show-pushes", "yes", "-3", "ping"));
  await same(at("--json", "-2", "hmget", "nokey", "a", "b"));
  // redis-cli cuts raw names at their first zero byte.
  await same(at("--scan", "--pattern", "[^q]*"));
  await same(at("--no-raw", "--scan", "--pattern", "q*"));
  await same(at("--no-raw", "--scan", "--quoted-pattern", '"q\\x00*"'));
  await same(at("--hotkeys"));
  await same(["-u", `redis://127.0.0.1:${server.port}/2`, "keys", "*"]);
});

testWith(["redis-cli"], "wrong arguments are refused in redis-cli's words", async () => {
  await same(["-p", "1", "ping"]);
  await same(["-p", "1", "--scan"]);
  await same(["-p", "1", "--pipe"]);
  await same(["-s", "/nonexistent/socket", "ping"]);
  await same(["--nosuch", "ping"]);
  await same(["-n"]);
  await same(["-u", "http://localhost", "ping"]);
  await same(["-2", "-3", "ping"]);
  await same(["-x", "-X", "tag", "ping"]);
  await same(["--quoted-pattern", '"x', "--scan"]);
});

testWith(["redis-cli"], "passwords and users are sent as redis-cli sends them", async () => {
  await using server = await startServer({ args: ["--requirepass", "secret"] });
  const at = (...args: string[]) => ["-p", String(server.port), ...args];
  await same(at("ping"));
  await same(at("-a", "secret", "ping"));
  await same(at("--pass", "wrong", "ping"));
  await same(at("-a", "secret", "--user", "default", "--no-auth-warning", "acl", "whoami"));
  await same(at("-a", "secret", "--user", "nobody", "ping"));
  await same(at("acl", "whoami"), "", { REDISCLI_AUTH: "secret" });
  await same(["-u", `redis://default:secret@127.0.0.1:${server.port}`, "ping"]);
  await same(["-u", `redis://default:s%65cret@127.0.0.1:${server.port}`, "ping"]);
  // redis-cli sends an empty user name and is refused.
  const { stdout } = await runOurs(["-u", `redis://:secret@127.0.0.1:${server.port}`, "ping"]);
  assertEquals(stdout, "PONG\n");
  await same(at("-n", "1"), "get x\nauth wrong\nauth secret\nset x 1\nget x\n");
});

testWith(["redis-cli"], "surveys of keys print what redis-cli prints", async () => {
  await using server = await startServer();
  const port = String(server.port);
  using client = await server.connect();
  await client.expect("SET", "string", "x".repeat(100));
  await client.expect("SET", 'we"ird key', "12");
  await client.expect("RPUSH", "list", 1, 2, 3);
  await client.expect("HSET", "hash", "a", 1, "b", 2);
  await client.expect("SADD", "set", "a");
  await client.expect("ZADD", "zset", 1, "a");
  const survey = await same(["-p", port, "--bigkeys"]);
  assertStringIncludes(survey.stdout, "Sampled 6 keys");
  await same(["-p", port, "--memkeys"]);
  await same(["-p", port, "--memkeys-samples", "1", "-i", "0.01"]);
  await client.expect("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu");
  await client.expect("CONFIG", "SET", "lfu-decay-time", 0);
  await same(["-p", port, "--hotkeys"]);
});

testWith(["redis-cli"], "--pipe counts replies and prints errors as redis-cli does", async () => {
  await using server = await startServer();
  const port = String(server.port);
  let requests = "";
  for (let i = 0; i < 20_000; i++) requests += `*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n`;
  const good = await same(["-p", port, "--pipe"], requests);
  assertStringIncludes(good.stdout, "errors: 0, replies: 20000");
  await same(["-p", port, "--pipe"], "SET a b\r\nGET\r\nLPUSH a 1\r\nGET a\r\n");
  await same(["-p", port, "--pipe"]);
  using client = await server.connect();
  assertEquals(await client.call("GET", "n"), "40000");
});

testWith(["redis-cli"], "a script file is evaluated with keys and arguments", async () => {
  await using server = await startServer();
  await using directory = await TemporaryDirectory.create();
  const script = `${directory.path}/script.lua`;
  await Deno.writeTextFile(script, "return {KEYS, ARGV}");
  const at = (...args: string[]) => ["-p", String(server.port), "--no-raw", "--eval", ...args];
  await same(at(script, "k1", "k2", ",", "a1"));
  await same(at(script, "k1"));
  await same(at(script));
  await same(at(`${script}.missing`));
});

testWith(
  ["redis-cli", "redis-server"],
  "help made of COMMAND DOCS is redis-cli's own, for every command",
  async () => {
    await using server = await startRedis();
    using client = await server.connect();
    const names = await client.expect("COMMAND", "LIST") as string[];
    const lines = names.sort().map((name) => `help ${name}\n`).join("") +
      "help @string\nhelp nosuch\n";
    await same(["-p", String(server.port)], lines);
  },
);

testWith(["redis-cli"], "--latency to a pipe prints a line of redis-cli's form", async () => {
  await using server = await startServer();
  const port = String(server.port);
  const shape = (text: string) => text.replace(/\d+/g, "9");
  for (const mode of ["--raw", "--csv", "--json"]) {
    const args = ["-p", port, "--latency", mode, "-i", "0.1"];
    const expected = await run(["redis-cli"], args, "", {});
    assertEquals(shape((await runOurs(args)).stdout), shape(expected.stdout));
  }
});

Deno.test("options that are left out are refused with a reason", async () => {
  for (const option of ["-c", "--cluster", "--ldb", "--lru-test"]) {
    const { code, stderr } = await runOurs([option, "x"]);
    assertEquals(code, 1);
    assertStringIncludes(stderr, `Option '${option}' is not supported: `);
  }
});

/** Types keys into a program on a terminal of its own, each once what is awaited has appeared. */
const PTY_SCRIPT = `
import fcntl, json, os, pty, signal, struct, sys, termios
program, steps = json.loads(sys.argv[1])
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(program[0], program)
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
shown = b""
def late(*_):
    sys.exit("not seen: " + repr(awaited) + " in " + repr(shown))
signal.signal(signal.SIGALRM, late)
signal.alarm(20)
def read():
    global shown
    try:
        part = os.read(terminal, 65536)
    except OSError:
        part = b""
    shown += part
    return part != b""
for awaited, keys in steps:
    at = len(shown)
    # Parts one behind the other; keys that are typed before the prompt is there are not edited.
    for part in awaited.encode().split(b"|"):
        while part not in shown[at:] and read():
            pass
        at = shown.find(part, at) + len(part)
    os.write(terminal, keys.encode())
while read():
    pass
_, status = os.waitpid(pid, 0)
print(json.dumps([shown.decode("utf-8", "replace"), os.waitstatus_to_exitcode(status)]))
`;

const hasTerminals = Deno.build.os !== "windows" && programVersion("python3") !== null;
testUnless(hasTerminals ? null : "terminals need python3, and no Windows", {
  name: "a session on a terminal: prompts, editing, history, completion, Ctrl-C",
  async fn() {
    await using server = await startServer();
    await using directory = await TemporaryDirectory.create();
    const history = `${directory.path}/history`;
    await Deno.writeTextFile(history, "echo remembered\n");
    const program = [...launchCommand("redeno"), "cli", "-p", String(server.port)];
    const environment = ["env", "TERM=xterm", `REDENO_HISTFILE=${history}`];
    const steps = [
      // An arrow key, the history, the end of the line.
      ["> ", "set ky värld\x1b[D\x1b[D\x1b[D\x1b[D\x1b[D\x1b[D\x1b[De\r"],
      ["OK\r\n|> ", "\x1b[A\x1b[A\r"],
      ['"remembered"|> ', "\x12ky\x15get kye\r"],
      ["(nil)|> ", "\x12set\x01\x05\x17\x17get key\r"],
      ["OK\r\n|> ", "auth secret\r"],
      ["(error)|> ", "confi\t\t get maxmemory\r"],
      ['"maxmemory"|> ', "select 2\r"],
      ["[2]> ", "multi\r"],
      ["[2](TX)> ", "discard\r"],
      ["[2]> ", "monitor\r"],
      ["OK\r\n", "\x03"],
      ["[2]> ", "client kill type normal skipme no\r"],
      ["(integer) 1|> ", "ping\r"],
      ["not connected> ", "ping\r"],
      ["PONG|> ", "\x04"],
    ];
    const { stdout } = await runTool("python3", [
      "-c",
      PTY_SCRIPT,
      JSON.stringify([[...environment, ...program], steps]),
    ], { cwd: new URL("../../", import.meta.url).pathname });
    const [shown, code] = JSON.parse(stdout);
    assertEquals(code, 0, shown);
    // A server that has not closed yet when the next command comes resets the connection.
    assertMatch(shown, /Error: (?:Server closed the connection|Connection reset by peer)\r\n/);
    assertEquals((await Deno.readTextFile(history)).split("\n"), [
      "echo remembered",
      "set key värld",
      "echo remembered",
      "get kye",
      "set get key",
      "CONFIG GET get maxmemory",
      "select 2",
      "multi",
      "discard",
      "monitor",
      "client kill type normal skipme no",
      "ping",
      "",
    ]);
  },
});

const OPENSSL = ["-days", "2", "-nodes", "-newkey", "rsa:2048"];

/** Writes ca.crt, server.crt, server.key: for localhost and redis.test. */
async function makeCertificates(directory: string): Promise<void> {
  const openssl = (...args: string[]) => runTool("openssl", args, { cwd: directory });
  await openssl(
    "req",
    "-x509",
    ...OPENSSL,
    "-keyout",
    "ca.key",
    "-out",
    "ca.crt",
    "-subj",
    "/CN=ca",
  );
  await openssl("req", ...OPENSSL, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=x");
  await Deno.writeTextFile(
    `${directory}/names`,
    "subjectAltName=DNS:localhost,DNS:redis.test,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n",
  );
  const names = ["-extfile", "names", "-days", "2", "-CAcreateserial"];
  const signer = ["-CA", "ca.crt", "-CAkey", "ca.key"];
  await openssl("x509", "-req", "-in", "server.csr", "-out", "server.crt", ...signer, ...names);
}

testWith(["redis-cli", "redis-server"], "TLS with and without checks", async () => {
  await using directory = await TemporaryDirectory.create();
  await makeCertificates(directory.path);
  const file = (name: string) => `${directory.path}/${name}`;
  const port = String(freePort());
  await using _server = await startRedis({
    args: ["--tls-port", port, "--tls-cert-file", file("server.crt"), "--tls-key-file"].concat(
      [file("server.key"), "--tls-ca-cert-file", file("ca.crt")],
    ),
  });
  const shown = ["--cert", file("server.crt"), "--key", file("server.key")];
  const at = (...args: string[]) => ["-p", port, "--tls", ...args];
  await same(at("--cacert", file("ca.crt"), ...shown, "ping"));
  await same(at("--insecure", ...shown, "ping"));
  await same(at("--sni", "redis.test", "--cacert", file("ca.crt"), ...shown, "ping"));
  await same(["-u", `rediss://127.0.0.1:${port}`, "--insecure", ...shown, "-3", "ping"]);
  const unknown = await runOurs(at(...shown, "ping"));
  assertEquals(unknown.code, 1);
  assertStringIncludes(unknown.stderr, "certificate");
  const wrongName = await runOurs(
    at("--sni", "other.test", "--cacert", file("ca.crt"), ...shown, "ping"),
  );
  assertEquals(wrongName.code, 1);
  // The server wants to see a certificate, and says so after the client's side of the handshake.
  const without = await runOurs(at("--insecure", "ping"));
  assertEquals(without.code, 1);
  assert(/^Error: .*(?:closed the connection|CertificateRequired)\n$/.test(without.stderr));
});

testUnless(missingReason("redis-cli"), {
  name: "subscribing and monitoring print messages until the connection ends",
  async fn() {
    for (const program of [["redis-cli"], [...launchCommand("redeno"), "cli"]]) {
      await using server = await startServer();
      using client = await server.connect();
      const running = run(
        program,
        ["-p", String(server.port), "--no-raw", "-3", "subscribe", "ch", "other"],
        "",
        {},
      );
      while (await client.call("PUBLISH", "other", "hello\n") === 0) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      await client.call("CLIENT", "KILL", "TYPE", "pubsub");
      assertEquals(await running, {
        code: 1,
        stdout: 'Reading messages... (press Ctrl-C to quit)\n1) "subscribe"\n2) "ch"\n' +
          '3) (integer) 1\n1) "subscribe"\n2) "other"\n3) (integer) 2\n' +
          '1) "message"\n2) "other"\n3) "hello\\n"\n',
        stderr: "Error: Server closed the connection\n",
      }, program.join(" "));
    }
  },
});
