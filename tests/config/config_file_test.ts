/** Configuration files: words, units, include, standard input, and messages of what is wrong. */
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { join } from "@std/path";
import type { Config } from "../../src/config/config.ts";
import { ConfigFileError, type ConfigSources, loadConfig } from "../../src/config/config_file.ts";
import {
  ConfigValueError,
  quoteConfigWord,
  splitConfigWords,
} from "../../src/config/config_lexer.ts";

function load(sources: Partial<ConfigSources>): Config {
  return loadConfig({ file: null, standardInput: null, directives: [], ...sources });
}

function failureOf(sources: Partial<ConfigSources>): ConfigFileError {
  return assertThrows(() => load(sources), ConfigFileError);
}

/** Runs `test` in a directory that holds these files. */
function withFiles(files: Record<string, string>, test: (directory: string) => void): void {
  const directory = Deno.realPathSync(Deno.makeTempDirSync());
  try {
    for (const [name, content] of Object.entries(files)) {
      Deno.writeTextFileSync(join(directory, name), content);
    }
    test(directory);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

Deno.test("words are separated and quoted as in redis.conf", () => {
  const cases: Array<[line: string, words: string[]]> = [
    ["", []],
    ["  a\tb  ", ["a", "b"]],
    ['"a b" c', ["a b", "c"]],
    ['"\\n\\r\\t\\b\\a\\x41\\q\\"\\\\"', ['\n\r\t\b\x07Aq"\\']],
    ['"\\xzz"', ["xzz"]],
    ["'a \\n \\' b'", ["a \\n ' b"]],
    ['""', [""]],
    ['pre"fix"', ["prefix"]],
    ['"\\xc3\\xa9"', ["\xc3\xa9"]],
    ["schl\xfcssel\xa0", ["schl\xfcssel\xa0"]],
    ["\x85\xa0\xff", ["\x85\xa0\xff"]],
  ];
  for (const [line, words] of cases) assertEquals(splitConfigWords(line), words, line);
});

Deno.test("unbalanced quotes are refused", () => {
  const unbalanced = 'a "b|"a"b|\'a|\'a\'b|"|"a\\'.split("|");
  for (const line of unbalanced) {
    assertThrows(() => splitConfigWords(line), ConfigValueError, "Unbalanced quotes", line);
  }
});

Deno.test("a quoted word is read back as it was", () => {
  for (const text of ["", "plain", 'a "b" \\', "line\nfeed\r\t\b\x07\x01", "\xe9\0\xff", "'"]) {
    assertEquals(splitConfigWords(quoteConfigWord(text)), [text]);
  }
  assertEquals(quoteConfigWord('x"y\\n\n'), '"x\\"y\\\\n\\n"');
});

Deno.test("a file sets parameters; comments, case and Windows line ends are fine", () => {
  const content = [
    "\uFEFF# a comment",
    "",
    "  PORT 6380  ",
    "\t# another",
    'requirepass "a b\\x41"',
    "maxmemory 64mb",
    "save 900 1",
    "save 300 10",
    "slave-priority 7",
    "client-output-buffer-limit replica 1mb 2mb 3",
    "bind 127.0.0.1 -::1",
    "list-max-ziplist-entries 5",
  ].join("\r\n");
  withFiles({ "redeno.conf": content }, (directory) => {
    const file = join(directory, "redeno.conf");
    const config = load({ file });
    assertEquals(config.configFile, file);
    assertEquals(config.port, 6380);
    assertEquals(config.requirepass, "a bA");
    assertEquals(config.maxmemory, 64 * 1024 * 1024);
    assertEquals(config.get("save"), "900 1 300 10");
    assertEquals(config.get("replica-priority"), "7");
    assertEquals(config.clientOutputBufferLimit.replica.softSeconds, 3);
    assertEquals(config.bind, ["127.0.0.1", "-::1"]);
  });
});

Deno.test("standard input comes after the file and the command line after both", () => {
  withFiles({ "redeno.conf": "port 1\ntimeout 1\nhz 11\n" }, (directory) => {
    const file = join(directory, "redeno.conf");
    const config = load({ file, standardInput: "timeout 2\nhz 12", directives: ['hz "13"'] });
    assertEquals([config.port, config.timeout, config.hz], [1, 2, 13]);
  });
});

Deno.test("include works where it stands, with wildcards, from the last dir", () => {
  const files = {
    "main.conf": "timeout 1\ninclude *.inc\ninclude nothing*.conf\nhz 20\n",
    "a.inc": "timeout 2\nhz 12\nsave 1 1",
    "b.inc": "timeout 3\nsave 2 2",
    ".hidden.inc": "timeout 4\n",
  };
  withFiles(files, (directory) => {
    const directives = [`dir ${quoteConfigWord(directory)}`, "include main.conf"];
    const config = load({ directives });
    assertEquals([config.timeout, config.hz], [3, 20]);
    assertEquals(config.get("save"), "1 1 2 2");
  });
});

Deno.test("an included file that is missing or includes itself stops the start", () => {
  withFiles({ "main.conf": "\ninclude nosuch.conf", "self.conf": "include self.conf" }, (dir) => {
    const directives = [`dir ${quoteConfigWord(dir)}`];
    const missing = failureOf({ directives: [...directives, "include main.conf"] });
    assertEquals(missing.source?.lineNumber, 2);
    assertEquals(missing.source?.file, join(dir, "main.conf"));
    assertStringIncludes(missing.message, "can't open config file");
    const endless = failureOf({ directives: [...directives, "include self.conf"] });
    assertStringIncludes(endless.message, "too deeply");
  });
});

Deno.test("an error names file, line, the line itself and the reason", () => {
  withFiles({ "bad.conf": "# fine\nport 1\n  timeout abc  \n" }, (directory) => {
    const file = join(directory, "bad.conf");
    assertEquals(
      failureOf({ file }).report,
      "\n*** FATAL CONFIG FILE ERROR (Redeno, compatible with Redis 7.4.2) ***\n" +
        `Reading the configuration file, at line 3 of ${file}\n` +
        ">>> 'timeout abc'\n" +
        "argument couldn't be parsed into an integer\n",
    );
  });
  const { report } = failureOf({ directives: ['hz "10"', 'port "abc"'] });
  assertStringIncludes(report, `Reading the command line, at directive 2\n>>> 'port "abc"'\n`);
  const { report: ofInput } = failureOf({ standardInput: "\nport abc" });
  assertStringIncludes(ofInput, "at line 2 of standard input\n");
  const { report: ofFile } = failureOf({ file: "/nosuch/redeno.conf" });
  assertStringIncludes(ofFile, "can't open config file");
});

Deno.test("wrong directives get the reasons that Redis gives", () => {
  const cases: Array<[line: string, reason: string]> = [
    ["foo bar", "Bad directive or wrong number of arguments"],
    ["include", "Bad directive or wrong number of arguments"],
    ["rename-command a", "Bad directive or wrong number of arguments"],
    ["user", "Bad directive or wrong number of arguments"],
    ["list-max-ziplist-entries 1 2", "Bad directive or wrong number of arguments"],
    ["port 1 2", "wrong number of arguments"],
    ["port", "wrong number of arguments"],
    ["maxmemory 1gb # much", "wrong number of arguments"],
    ['bind "a', "Unbalanced quotes in configuration line"],
    ["save 900", "Invalid save parameters"],
    ['save "10 1" 20 2', "Invalid save parameters"],
    ["databases 0", "argument must be between 1 and 2147483647 inclusive"],
    ["unixsocketperm 999", "argument couldn't be parsed as an octal number"],
    ["unixsocketperm 1777", "argument must be between 0 and 777 inclusive"],
    ["appendfilename a/b", "appendfilename can't be a path, just a filename"],
    ['appendfilename ""', "appendfilename can't be empty"],
    ["appenddirname a/b", "appenddirname can't be a path, just a dirname"],
    ["dbfilename /x", "dbfilename can't be a path, just a filename"],
    ["replicaof a", "wrong number of arguments"],
    ["replicaof a b", "Invalid master port"],
    [
      "client-output-buffer-limit normal 1 2",
      "Wrong number of arguments in buffer limit configuration.",
    ],
    ['client-output-buffer-limit ""', "Wrong number of arguments in buffer limit configuration."],
    ["sentinel monitor a 1", "sentinel directive while not in sentinel mode"],
    ["a.b", "Module config specified without value"],
    ["loadmodule /x.so", "modules cannot be loaded by Redeno"],
  ];
  for (const [line, reason] of cases) {
    assertEquals(failureOf({ standardInput: line }).message, reason, line);
  }
});

Deno.test("a parameter without meaning here never breaks a start", () => {
  const content = "io-threads 4\njemalloc-bg-thread no\ndaemonize yes\n" +
    "list-compress-depth 1\ndisable-thp no\nsyslog-enabled yes\n";
  assertEquals(load({ standardInput: content }).ineffectiveSettings().length, 6);
});

Deno.test("users and renamed commands are kept for the server, with their place", () => {
  const config = load({ standardInput: 'user bob on >p\nRename-Command GET ""' });
  assertEquals(config.users.map(({ words }) => words), [["bob", "on", ">p"]]);
  const [renamed] = config.renamedCommands;
  assertEquals(renamed?.words, ["GET", ""]);
  assertEquals(renamed?.source.lineNumber, 2);
});

Deno.test("a line may be in any encoding, as a comment may", () => {
  const latin1 = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0));
  withFiles({}, (directory) => {
    const file = join(directory, "latin1.conf");
    Deno.writeFileSync(file, latin1("# schl\xfcssel\nport 5\n"));
    assertEquals(load({ file }).port, 5);
    Deno.writeFileSync(file, latin1("requirepass schl\xfcssel\n"));
    assertEquals(load({ file }).requirepass, "schl\xfcssel");
    Deno.writeFileSync(file, latin1("include schl\xfcssel\n"));
    assertStringIncludes(failureOf({ file }).message, "paths must be valid UTF-8");
  });
});

Deno.test("a server that would be something else than asked for does not start", () => {
  for (
    const [line, reason] of [
      ["cluster-enabled yes", "no cluster mode yet"],
    ]
  ) {
    const failure = failureOf({ standardInput: `port 5\n${line}\n` });
    assertStringIncludes(failure.message, reason);
    assertStringIncludes(failure.report, `at line 2 of standard input\n>>> '${line}'\n`);
    // What comes later wins.
    const directives = ["cluster-enabled no"];
    assertEquals(load({ standardInput: `port 5\n${line}\n`, directives }).port, 5);
  }
});

Deno.test("a file names the master, under the old name, too", () => {
  const { replicaof } = load({ standardInput: "replicaof 10.0.0.1 6379\n" });
  assertEquals(replicaof, { host: "10.0.0.1", port: 6379 });
  assertEquals(load({ standardInput: "SLAVEOF host 1\n" }).replicaof, { host: "host", port: 1 });
  const directives = ["replicaof no one"];
  assertEquals(load({ standardInput: "slaveof host 1\n", directives }).replicaof, null);
});

Deno.test("a log file that cannot be opened stops the start", () => {
  const { message } = failureOf({ standardInput: "logfile /nosuch/directory/redeno.log" });
  assertStringIncludes(message, "Can't open the log file: ");
});

Deno.test("the redeno.conf that ships is right, complete and says nothing but defaults", () => {
  const path = new URL("../../redeno.conf", import.meta.url);
  const content = Deno.readTextFileSync(path);
  const plain = load({});
  // Directives at their default stand as comments without a space after the mark.
  const active = content.replace(/^#([a-z][a-z0-9_-]* \S.*)$/gm, "$1");
  const config = load({ standardInput: active });
  for (const [name, value] of plain.matching(["*"])) {
    if (name !== "dir") assertEquals(config.get(name), value, name);
  }
  for (const [name] of plain.matching(["*"])) {
    assertStringIncludes(content, name, `${name} is not described in redeno.conf`);
  }
});
