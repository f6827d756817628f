/**
 * Secret arguments: passwords and the like, which neither the slow log nor MONITOR shows; they show
 * "(redacted)" in their place.
 */
import type { Argv } from "../protocol/argv.ts";
import type { CompiledCommand } from "./command.ts";

const SECRET_PARAMETERS = [
  "masteruser",
  "masterauth",
  "requirepass",
  "tls-key-file-pass",
  "tls-client-key-file-pass",
];

/** Whether an argument of a command is secret. */
export function isSecretArgument(command: CompiledCommand, argv: Argv, index: number): boolean {
  switch (command.name) {
    case "auth":
      return index >= 1;
    case "acl|setuser":
      return index >= 2;
    case "config|set":
      return index >= 3 && index % 2 === 1 &&
        SECRET_PARAMETERS.some((parameter) => argv.is(index - 1, parameter));
    case "hello":
      return index >= 2 &&
        (argv.is(index - 1, "auth") || (index >= 3 && argv.is(index - 2, "auth")));
  }
  return false;
}
