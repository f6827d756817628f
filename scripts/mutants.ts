/**
 * Mutants: faults of a single line that the tests must notice.
 *
 *   deno task mutants            all of them
 *   deno task mutants keyspace   those in files whose name holds the word
 *
 * A test that cannot fail proves nothing, and coverage does not tell. So each entry names a line,
 * the fault, and the test file that has to fail with it; the same file must pass without. All of it
 * happens in a copy of the project in a temporary directory. Files are given by their names alone,
 * which are unique in the project, so that they may move from folder to folder. An old text that is
 * not found exactly once is an error: whoever changes such a line changes the entry, too.
 *
 * The exit code is 0 only if all mutants were killed.
 */
import { ensureDirSync, walkSync } from "@std/fs";
import { dirname, fromFileUrl, join, relative } from "@std/path";
import { parseSummary, type Totals } from "./run_tests.ts";

export interface Mutant {
  /** Name of the source file, without folder. */
  readonly file: string;
  readonly oldText: string;
  readonly newText: string;
  /** Name of the test file that must fail, without folder. */
  readonly test: string;
  /** What goes wrong. */
  readonly fault: string;
}

export const MUTANTS: readonly Mutant[] = [
  {
    file: "keyspace_state.ts",
    oldText: "now >= then ? now - then : 65535 - then + now",
    newText: "now - then",
    test: "keyspace_test.ts",
    fault: "LFU counters never decay after the minutes have wrapped around",
  },
  {
    file: "keyspace_state.ts",
    oldText: "65535 - then + now",
    newText: "65536 + then - now",
    test: "keyspace_test.ts",
    fault: "LFU counters decay by too much when the minutes wrap around",
  },
  {
    file: "duration_histogram.ts",
    oldText: "(percentile / 100) * this.total + 0.5",
    newText: "(percentile / 100) * this.total",
    test: "duration_histogram_test.ts",
    fault: "percentiles are cut off instead of rounded",
  },
  {
    file: "bytes.ts",
    oldText: "isForward ? done : length - done - size",
    newText: "done",
    test: "bytes_test.ts",
    fault: "a long range that is moved up is overwritten before it is copied",
  },
  {
    file: "bytes.ts",
    oldText: "done < length; done += DETOUR_BYTES_MAX",
    newText: "done < Math.min(length, DETOUR_BYTES_MAX); done += DETOUR_BYTES_MAX",
    test: "bytes_test.ts",
    fault: "only the first 64 KiB of a long range are copied",
  },
  {
    file: "active_defrag.ts",
    oldText: "Math.max(1, (durationUs * (100 - share)) / share / 1000)",
    newText: "1",
    test: "active_defrag_test.ts",
    fault: "the defragmenter takes nearly all of the time, whatever share it is given",
  },
  {
    file: "active_defrag.ts",
    oldText: "durationUs * (100 - share)",
    newText: "durationUs * share",
    test: "active_defrag_test.ts",
    fault: "the smaller the share, the more time the defragmenter takes",
  },
  {
    file: "acl_check.ts",
    oldText: 'text === "*" && (permissions & KEY_READ) !== 0',
    newText: 'text === "*"',
    test: "acl_test.ts",
    fault: "SORT reads any key by BY and GET with the permission to write all keys",
  },
  {
    file: "command_checks.ts",
    oldText: "COMMAND_READONLY | COMMAND_WRITE | COMMAND_MAY_REPLICATE",
    newText: "COMMAND_WRITE | COMMAND_MAY_REPLICATE",
    test: "monitor_command_test.ts",
    fault: "a client in MONITOR reads keys",
  },
  {
    file: "turn.ts",
    oldText: "if (this.#isEnding) this.afterwards(this.end);",
    newText: "if (this.#isEnding) queueMicrotask(this.end);",
    test: "turn_test.ts",
    fault: "the end of a turn may follow from itself, and nobody is heard any more",
  },
  {
    file: "timers.ts",
    oldText: " || first.order > lastOrder",
    newText: "",
    test: "timers_test.ts",
    fault: "a task that starts itself anew with no delay is never followed by anything else",
  },
  {
    file: "dispatch.ts",
    oldText: "host.blocking.hasReady && host.calls.depth === 0",
    newText: "host.blocking.hasReady",
    test: "yielding_test.ts",
    fault: "a blocked client is served from the middle of a script",
  },
  {
    file: "command_checks.ts",
    oldText: "(host.gates.bits & GATE_BUSY) === 0 ||",
    newText: "(host.gates.bits & GATE_BUSY) !== 0 ||",
    test: "busy_script_test.ts",
    fault: "any command runs in the middle of a script",
  },
  {
    file: "script_watch.ts",
    oldText: "if (run.hasWritten) throw UNKILLABLE;",
    newText: "",
    test: "busy_script_test.ts",
    fault: "SCRIPT KILL leaves half of the effects of a script",
  },
  {
    file: "call_stack.ts",
    oldText: "client.argv = outer.argv;",
    newText: "",
    test: "call_stack_test.ts",
    fault: "after a queued command EXEC has its arguments",
  },
  {
    file: "effect_encoder.ts",
    oldText: "if (++this.#effects === 2) this.#insertMulti();",
    newText: "++this.#effects;",
    test: "effect_encoder_test.ts",
    fault: "a transaction is recorded without MULTI and may be repeated in part",
  },
];

export type Outcome = "killed" | "survived" | "not found" | "not run";

/** Directories and files of the project that its tests need. */
const PARTS = [
  "src",
  "tests",
  "scripts",
  "packaging",
  "deno.json",
  "main.ts",
  "mod.ts",
  "redeno.conf",
];
const ROOT = fromFileUrl(new URL("..", import.meta.url));

/** A copy of a project in which faults are tried; disposing of it removes it. */
export class MutantNursery implements Disposable {
  readonly #directory = Deno.makeTempDirSync({ prefix: "redeno_mutants_" });
  /** The tests that pass without a fault, or do not. */
  readonly #passing = new Map<string, boolean>();

  constructor(root = ROOT, parts: readonly string[] = PARTS) {
    for (const part of parts) {
      for (const path of filesOf(join(root, part))) {
        const target = join(this.#directory, relative(root, path));
        ensureDirSync(dirname(target));
        Deno.copyFileSync(path, target);
      }
    }
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#directory, { recursive: true });
  }

  /** Puts the fault in, runs the test, takes the fault out again. */
  async outcome(mutant: Mutant): Promise<Outcome> {
    const source = this.#find("src", mutant.file);
    const test = this.#find("tests", mutant.test);
    if (source === null || test === null) return "not found";
    const text = Deno.readTextFileSync(source);
    if (text.split(mutant.oldText).length !== 2) return "not found";
    if (!await this.#passes(test)) return "not run";
    Deno.writeTextFileSync(source, text.replace(mutant.oldText, () => mutant.newText));
    try {
      const totals = await this.#run(test);
      // Without a summary it has not even been compiled.
      if (totals === null) return "not run";
      return totals.failed > 0 ? "killed" : "survived";
    } finally {
      Deno.writeTextFileSync(source, text);
    }
  }

  async #passes(test: string): Promise<boolean> {
    let isPassing = this.#passing.get(test);
    if (isPassing === undefined) {
      const totals = await this.#run(test);
      isPassing = totals !== null && totals.failed === 0 && totals.passed > 0;
      this.#passing.set(test, isPassing);
    }
    return isPassing;
  }

  async #run(test: string): Promise<Totals | null> {
    const args = ["test", "--allow-all", "--no-prompt", "--no-check", "--quiet", "--unstable-net"];
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: [...args, test],
      cwd: this.#directory,
      env: { NO_COLOR: "1" },
      stdin: "null",
    }).output();
    const lines = new TextDecoder().decode(stdout).split("\n");
    return lines.map(parseSummary).find((totals) => totals !== null) ?? null;
  }

  #find(folder: string, name: string): string | null {
    for (const { path } of walkSync(join(this.#directory, folder), { includeDirs: false })) {
      if (path.endsWith(`/${name}`) || path.endsWith(`\\${name}`)) return path;
    }
    return null;
  }
}

/** The files below a folder, or the file itself. */
function filesOf(path: string): string[] {
  if (Deno.statSync(path).isFile) return [path];
  return [...walkSync(path, { includeDirs: false })].map((entry) => entry.path);
}

function printLine(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text + "\n"));
}

async function main(): Promise<number> {
  const [word = ""] = Deno.args;
  const mutants = MUTANTS.filter(({ file }) => file.includes(word));
  using nursery = new MutantNursery();
  let killed = 0;
  for (const mutant of mutants) {
    const outcome = await nursery.outcome(mutant);
    if (outcome === "killed") killed++;
    printLine(`${outcome}: ${mutant.file}: ${mutant.fault}`);
    if (outcome !== "killed") {
      printLine(`  ${mutant.oldText}\n  ${mutant.newText}\n  ${mutant.test}`);
    }
  }
  printLine(`mutants: ${mutants.length}, of which the tests killed ${killed}`);
  return killed === mutants.length && killed > 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main());
