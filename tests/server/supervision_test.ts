/**
 * Supervision: the real process with the socket of a service manager, which a few lines of Python
 * stand for, as Deno itself has such sockets behind a flag only.
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { Log } from "../../src/base/log.ts";
import { Timers } from "../../src/base/timers.ts";
import { type SupervisedMode, Supervision } from "../../src/server/supervision.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { startServer, TemporaryDirectory } from "../support/server_process.ts";
import { fromUtf8 } from "../support/text.ts";
import { programVersion, testUnless } from "../support/tool_availability.ts";

const hasSockets = Deno.build.os === "linux" && programVersion("python3") !== null;
const hindrance = hasSockets ? null : "needs Linux and python3";

/** Prints every message that comes, until one that says STOPPING; "@" names are abstract. */
const MANAGER = `
import socket, sys
name = sys.argv[1]
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind("\\0" + name[1:] if name.startswith("@") else name)
receiver.settimeout(60)
print("bound", flush=True)
while True:
    message = receiver.recv(4096).decode()
    print(message.strip(), flush=True)
    if "STOPPING" in message:
        receiver.settimeout(1)
    if "saved" in message:
        break
`;

/** Lines as they come from a program. */
async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + fromUtf8(chunk)).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
}

async function expectNotifications(address: string): Promise<void> {
  const manager = new Deno.Command("python3", {
    args: ["-c", MANAGER, address],
    stdout: "piped",
  }).spawn();
  const lines = linesOf(manager.stdout);
  const next = async () => (await lines.next()).value;
  assertEquals(await next(), "bound");
  await using server = await startServer({
    args: ["--supervised", "systemd"],
    save: "60 1",
    env: { NOTIFY_SOCKET: address },
  });
  assertEquals(await next(), "STATUS=The data are being loaded");
  assertEquals(await next(), "READY=1");
  assertEquals(await next(), "STATUS=Ready to accept connections");
  {
    using client = await server.connect();
    assertStringIncludes(String(await client.call("INFO", "server")), "process_supervised:systemd");
  }
  assertEquals(await server.stop("SIGTERM"), 0);
  assertEquals(await next(), "STOPPING=1");
  assertEquals(await next(), "STATUS=The data are saved once more before the end");
  assertEquals((await lines.next()).done, true);
  assertEquals((await manager.status).code, 0);
}

testUnless(hindrance, {
  name: "systemd hears of loading, readiness, the end and the last save",
  fn: async () => {
    await using directory = await TemporaryDirectory.create();
    await expectNotifications(join(directory.path, "notify"));
  },
});

testUnless(hindrance, {
  name: "a socket in the abstract namespace will do as well",
  fn: () => expectNotifications(`@redeno-test-${crypto.randomUUID()}`),
});

/** Prints every message and when it came, in seconds, until the end of the server. */
const CLOCKED_MANAGER = `
import socket, sys, time
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(sys.argv[1])
receiver.settimeout(60)
print("bound", flush=True)
while True:
    message = receiver.recv(4096).decode()
    for line in message.strip().split("\\n"):
        print(time.monotonic(), line, flush=True)
    if "STOPPING" in message:
        break
`;

testUnless(hindrance, {
  name: "the watchdog is fed while the event loop runs, and not while it hangs",
  fn: async () => {
    await using directory = await TemporaryDirectory.create();
    const address = join(directory.path, "notify");
    const manager = new Deno.Command("python3", {
      args: ["-c", CLOCKED_MANAGER, address],
      stdout: "piped",
    }).spawn();
    const lines = linesOf(manager.stdout);
    assertEquals((await lines.next()).value, "bound");
    const messages: { second: number; text: string }[] = [];
    const next = async (text: string) => {
      for (;;) {
        const { value, done } = await lines.next();
        if (done === true) throw new Error(`no ${text} came`);
        const [second, ...words] = value.split(" ");
        messages.push({ second: Number(second), text: words.join(" ") });
        if (messages.at(-1)!.text === text) return;
      }
    };
    await using server = await startServer({
      args: ["--supervised", "systemd", "--enable-debug-command", "yes"],
      env: { NOTIFY_SOCKET: address, WATCHDOG_USEC: "200000" },
    });
    using client = await server.connect();
    const fed = "WATCHDOG=1";
    for (let count = 0; count < 3; count++) await next(fed);
    assertEquals(await client.call("DEBUG", "SLEEP", "2"), "OK");
    await next(fed);
    // SAVE may take long, and the manager is told so before and after.
    assertEquals(await client.call("SAVE"), "OK");
    await next("WATCHDOG_USEC=86400000000");
    await next("WATCHDOG_USEC=200000");
    await next(fed);
    assertEquals(await server.stop("SIGTERM"), 0);
    await next("STOPPING=1");
    const seconds = messages.filter(({ text }) => text === fed).map(({ second }) => second);
    const gaps = seconds.slice(1).map((second, index) => second - seconds[index]);
    assertEquals(Math.max(...gaps) > 1.5, true, `gaps of ${gaps} s`);
    assertEquals((await lines.next()).done, true);
    assertEquals((await manager.status).code, 0);
  },
});

/** The log of a supervision that begins with these variables set and no others of its kind. */
function logOf(wanted: SupervisedMode, variables: Record<string, string>): string {
  const before = new Map<string, string | undefined>();
  for (const name of ["NOTIFY_SOCKET", "UPSTART_JOB"]) {
    before.set(name, Deno.env.get(name));
    Deno.env.delete(name);
    if (name in variables) Deno.env.set(name, variables[name]);
  }
  let text = "";
  const supervision = new Supervision(new Log((line) => text += line), new Timers());
  try {
    supervision.begin(wanted);
    assertEquals(supervision.mode, "no");
    supervision.ready();
    supervision.stopping();
  } finally {
    supervision.close();
    for (const [name, value] of before) {
      if (value === undefined) Deno.env.delete(name);
      else Deno.env.set(name, value);
    }
  }
  return text;
}

Deno.test("without a manager, or with one that cannot be told, the log says so", () => {
  assertEquals(logOf("no", { NOTIFY_SOCKET: "/x" }), "");
  assertEquals(logOf("auto", {}), "");
  assertStringIncludes(logOf("systemd", {}), "NOTIFY_SOCKET is not set");
  assertStringIncludes(logOf("upstart", {}), "UPSTART_JOB is not set");
  assertStringIncludes(logOf("auto", { UPSTART_JOB: "x" }), "cannot stop itself");
  // Tests run without --unstable-net.
  assertStringIncludes(logOf("auto", { NOTIFY_SOCKET: "/x" }), "only with --unstable-net");
});

Deno.test("INFO tells that nobody supervises", () => {
  using server = new EmbeddedServer();
  assertStringIncludes(String(server.run("INFO", "server")), "process_supervised:no\r\n");
});
