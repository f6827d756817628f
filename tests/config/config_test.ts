/** Config and its kinds of parameters, without a server: reading, CONFIG GET, CONFIG SET, hooks. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  Config,
  findParameter,
  isSensitiveParameter,
  systemErrorText,
} from "../../src/config/config.ts";
import { configTable } from "../../src/config/config_table.ts";
import { ConfigValues } from "../../src/config/config_values.ts";

function setError(name: string, reason: string): string {
  return `ERR CONFIG SET failed (possibly related to argument '${name}') - ${reason}`;
}

Deno.test("every field of the values has exactly one row and every row its own field", () => {
  const fields = configTable.flatMap(({ field }) => field === null ? [] : [field as string]);
  assertEquals([...fields].sort(), Object.keys(new ConfigValues()).sort());
});

Deno.test("names and aliases are unique", () => {
  const names = configTable.flatMap(({ name, alias }) => alias === "" ? [name] : [name, alias]);
  assertEquals(new Set(names).size, names.length);
});

Deno.test("every default is accepted by its own kind and printed unchanged", () => {
  const config = new Config();
  for (const parameter of configTable) {
    if (parameter.name === "replicaof") continue; // Nothing to set it to: "no one" prints as "".
    const printed = parameter.kind.format(config.read(parameter));
    assertEquals(config.setAtStart(parameter.name, [printed]), null, parameter.name);
    assertEquals(config.get(parameter.name), printed, parameter.name);
  }
});

Deno.test("a parameter without effect says why and holds its value", () => {
  const config = new Config();
  assertEquals(config.ineffectiveSettings(), []);
  assertEquals(config.setAtStart("io-threads", ["4"]), null);
  assertEquals(config.get("io-threads"), "4");
  assertEquals(config.ineffectiveSettings().map(({ name }) => name), ["io-threads"]);
  for (const { name, field, noEffectReason } of configTable) {
    assertEquals(field === null, noEffectReason !== "", name);
  }
});

Deno.test("values are in plain fields under the parameter's name in camel case", () => {
  const config = new Config();
  assertEquals(
    config.setMany([["hash-max-listpack-entries", "7"], ["appendfsync", "Always"]]),
    null,
  );
  assertEquals(config.hashMaxListpackEntries, 7);
  assertEquals(config.appendfsync, "always");
});

Deno.test("units of memory are those of Redis", () => {
  const config = new Config();
  const pairs: Array<[string, string]> = [
    ["1", "1"],
    ["1b", "1"],
    ["1k", "1000"],
    ["1KB", "1024"],
    ["2m", "2000000"],
    ["64mb", "67108864"],
    ["3g", "3000000000"],
    ["3Gb", "3221225472"],
    ["", "0"],
    ["kb", "0"],
    ["9223372036854775807", "9223372036854775807"],
    ["99999999999999999999", "18446744073709551615"],
    ["20000000000gb", "3028092406290448384"],
  ];
  for (const [text, bytes] of pairs) {
    assertEquals(config.setMany([["maxmemory", text]]), null, text);
    assertEquals(config.get("maxmemory"), bytes, text);
  }
  for (const text of ["-1", "1tb", "1.5gb", " 5", "5 ", "x", "0xff"]) {
    const expected = setError("maxmemory", "argument must be a memory value");
    assertEquals(config.setMany([["maxmemory", text]]), expected, text);
  }
});

Deno.test("a field written directly overrides the exact digits remembered for CONFIG GET", () => {
  const config = new Config();
  assertEquals(config.setMany([["maxmemory", "9223372036854775807"]]), null);
  assertEquals(config.maxmemory, 2 ** 63);
  config.maxmemory = 5;
  assertEquals(config.get("maxmemory"), "5");
});

Deno.test("a percentage of maxmemory is a negative number", () => {
  const config = new Config();
  assertEquals(config.setMany([["maxmemory-clients", "5%"]]), null);
  assertEquals(config.maxmemoryClients, -5);
  assertEquals(config.get("maxmemory-clients"), "5%");
  const tooMuch = "percentage argument must be less or equal to 100";
  assertEquals(
    config.setMany([["maxmemory-clients", "101%"]]),
    setError("maxmemory-clients", tooMuch),
  );
});

Deno.test("CONFIG GET takes names and patterns, gives each once, hides the hidden", () => {
  const config = new Config();
  assertEquals(config.matching(["PORT"]), [["PORT", "6379"]]);
  assertEquals(config.matching(["PoR*"]), [["port", "6379"]]);
  assertEquals(config.matching(["Port", "port", "p?rt"]), [["Port", "6379"]]);
  assertEquals(config.matching(["slave-priority"]), [["slave-priority", "100"]]);
  assertEquals(config.matching(["nosuch", "nosuch*"]), []);
  assertEquals(config.matching(["watchdog*"]), []);
  assertEquals(config.matching(["watchdog-period"]), [["watchdog-period", "0"]]);
});

Deno.test("CONFIG SET of several is all or nothing", () => {
  const config = new Config();
  assertEquals(
    config.setMany([["timeout", "5"], ["hz", "abc"]]),
    setError("hz", "argument couldn't be parsed into an integer"),
  );
  assertEquals(config.timeout, 0);
  assertEquals(
    config.setMany([["timeout", "5"], ["nosuch", "1"]]),
    "ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'",
  );
  assertEquals(config.timeout, 0);
  assertEquals(
    config.setMany([["timeout", "1"], ["TIMEOUT", "2"]]),
    setError("TIMEOUT", "duplicate parameter"),
  );
  assertEquals(config.setMany([["timeout", "5"], ["hz", "20"]]), null);
  assertEquals([config.timeout, config.hz], [5, 20]);
});

Deno.test("CONFIG SET respects the flags of a parameter", () => {
  const config = new Config();
  const remote = { isLocalClient: false, isLoading: false };
  const local = { isLocalClient: true, isLoading: false };
  const protectedError = setError("dbfilename", "can't set protected config");
  assertEquals(
    config.setMany([["databases", "3"]]),
    setError("databases", "can't set immutable config"),
  );
  assertEquals(config.setMany([["dbfilename", "x"]], local), protectedError);
  config.setAtStart("enable-protected-configs", ["local"]);
  assertEquals(config.setMany([["dbfilename", "x"]], remote), protectedError);
  assertEquals(config.setMany([["dbfilename", "x"]], local), null);
  assertEquals(
    config.setMany([["appendonly", "yes"]], { isLocalClient: true, isLoading: true }),
    "LOADING Redis is loading the dataset in memory",
  );
});

Deno.test("hooks are called once, after all values are set, and only for real changes", () => {
  const config = new Config();
  const seen: string[] = [];
  config.onChange(["port", "bind"], (now) => {
    seen.push(`${now.port} ${now.bind} ${now.timeout}`);
    return null;
  });
  assertEquals(config.setMany([["port", "6379"]]), null);
  assertEquals(seen, []);
  assertEquals(config.setMany([["port", "7"], ["bind", "a b"], ["timeout", "1"]]), null);
  assertEquals(seen, ["7 a,b 1"]);
});

Deno.test("a hook that refuses has everything set back, and hooks called before told", () => {
  const config = new Config();
  const seen: number[] = [];
  config.onChange("timeout", (now) => {
    seen.push(now.timeout);
    return null;
  });
  config.onChange("port", (now) => now.port === 1 ? "Unable to listen on this port." : null);
  assertEquals(
    config.setMany([["timeout", "9"], ["port", "1"], ["maxmemory", "1gb"]]),
    setError("port", "Unable to listen on this port."),
  );
  assertEquals([config.timeout, config.port, config.maxmemory], [0, 6379, 0]);
  assertEquals(seen, [9, 0]);
});

Deno.test("watching an unknown parameter is a mistake of the program", () => {
  assertThrows(() => new Config().onChange("nosuch", () => null), TypeError);
});

Deno.test("lines of save add up, the first replaces the default, an empty one clears", () => {
  const config = new Config();
  config.setAtStart("save", ["10", "1"]);
  config.setAtStart("save", ["5 2 7 3"]);
  assertEquals(config.get("save"), "10 1 5 2 7 3");
  config.setAtStart("save", [""]);
  assertEquals(config.savePoints, []);
  config.setAtStart("save", ["8", "8"]);
  assertEquals(config.savePoints, [{ seconds: 8, changes: 8 }]);
  assertEquals(config.setMany([["save", "1 2"]]), null);
  assertEquals(config.get("save"), "1 2");
  assertEquals(config.setAtStart("save", ["1"]), "Invalid save parameters");
  assertEquals(config.get("save"), "1 2");
});

Deno.test("buffer limits change only the classes that are named", () => {
  const config = new Config();
  const normal = "normal 1024 2000 3";
  assertEquals(config.setMany([["client-output-buffer-limit", "normal 1kb 2k 3"]]), null);
  const rest = "slave 268435456 67108864 60 pubsub 33554432 8388608 60";
  assertEquals(config.get("client-output-buffer-limit"), `${normal} ${rest}`);
  config.setAtStart("client-output-buffer-limit", ["replica", "5", "6", "7"]);
  const { replica } = config.clientOutputBufferLimit;
  assertEquals(replica, { hardBytes: 5, softBytes: 6, softSeconds: 7 });
});

Deno.test("dir must exist and becomes absolute; other paths start from it", () => {
  const config = new Config();
  const directory = Deno.realPathSync(Deno.makeTempDirSync());
  Deno.mkdirSync(`${directory}/sub`);
  try {
    assertEquals(config.setAtStart("dir", [directory]), null);
    assertEquals(config.setAtStart("dir", ["sub"]), null);
    assertEquals(config.dir, config.resolvePath("../sub"));
    assert(config.dir.startsWith(directory));
    const before = config.dir;
    assertEquals(typeof config.setAtStart("dir", ["nosuch"]), "string");
    Deno.writeTextFileSync(`${before}/file`, "");
    assertEquals(config.setAtStart("dir", ["file"]), "Not a directory");
    assertEquals(config.dir, before);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

Deno.test("events keep n in the field though CONFIG GET leaves it out beside A", () => {
  const config = new Config();
  assertEquals(config.setMany([["notify-keyspace-events", "KEAmn"]]), null);
  assertEquals(config.get("notify-keyspace-events"), "AKEm");
  assertEquals(config.notifyKeyspaceEvents & 16384, 16384);
});

Deno.test("passwords are marked as sensitive", () => {
  assert(isSensitiveParameter("REQUIREPASS"));
  assert(isSensitiveParameter("masterauth"));
  assert(!isSensitiveParameter("port"));
  assertEquals(findParameter("nosuch"), null);
});

Deno.test("the system's error text loses Deno's number and path", () => {
  const error = new Error("No such file or directory (os error 2): open '/x'");
  assertEquals(systemErrorText(error), "No such file or directory");
});
