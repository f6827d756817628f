/**
 * Server commands: TIME, LOLWUT. The larger families of that group have files of their own.
 */
import * as clock from "../base/clock.ts";
import type { Client } from "../session/client.ts";
import type { RedisCommand } from "../session/command.ts";
import { announcedVersion, REDENO_VERSION } from "../config/version.ts";
import { integerArgument } from "./arguments.ts";

const NO_KEYS = [0, 0, 0] as const;

// deno-fmt-ignore
export const serverCommands: readonly RedisCommand[] = [
  { name: "time", arity: 1, flags: ["loading", "stale", "fast"], keys: NO_KEYS, proc: timeCommand,
    categories: [],
    tips: ["nondeterministic_output"], since: "2.6.0", group: "server", complexity: "O(1)",
    summary: "Tells the server's time." },
  { name: "lolwut", arity: -1, flags: ["readonly", "fast"], keys: NO_KEYS, proc: lolwutCommand,
    categories: [],
    since: "5.0.0", group: "server", complexity: "",
    summary: "Draws a picture, and tells the version." },
];

function timeCommand({ reply }: Client): void {
  const nowUs = clock.systemUs();
  reply.array(2);
  reply.bulkText(String(Math.floor(nowUs / 1_000_000)));
  reply.bulkText(String(nowUs % 1_000_000));
}

/** A dinosaur, in a few lines. */
const DINOSAUR = [
  "               __",
  "              / _)",
  "     _.----._/ /",
  "    /         /",
  " __/ (  | (  |",
  "/__.-'|_|--|_|",
];

/** How many numbers the pictures of earlier versions are drawn by. */
const PICTURE_NUMBERS: Readonly<Record<number, number>> = { 5: 3, 6: 2 };

/** Whatever version's picture is asked for, in whatever size: there is this one. */
function lolwutCommand({ argv, host, reply }: Client): void {
  const namesVersion = argv.count >= 3 && argv.is(1, "version");
  const version = namesVersion ? integerArgument(argv, 2) : 7;
  const first = namesVersion ? 3 : 1;
  const end = Math.min(argv.count, first + (PICTURE_NUMBERS[version] ?? 0));
  for (let index = first; index < end; index++) integerArgument(argv, index);
  const redis = announcedVersion(host.config);
  const lines = [...DINOSAUR, "", `Redis ver. ${redis}, redeno ver. ${REDENO_VERSION}`];
  reply.verbatim(lines.join("\n") + "\n");
}
