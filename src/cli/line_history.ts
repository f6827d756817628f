/**
 * Lines typed earlier, in memory and in a file of which each line is one line typed. A command that
 * carries a password is in neither.
 *
 * Lines are appended as they are typed, so that sessions side by side lose nothing; the file is cut
 * to the newest lines when a session begins. A file that cannot be read or written is done without.
 */
export const HISTORY_LINES_MAX = 1000;

const SECRET_PARAMETERS = ["masterauth", "masteruser", "requirepass", "tls-key-file-pass"];

/** Does a command, given by its words, carry a secret? */
export function isSecret(words: readonly string[]): boolean {
  const [command, second, ...rest] = words.map((word) => word.toLowerCase());
  switch (command) {
    case "auth":
      return true;
    case "acl":
      return second === "setuser" || second === "deluser" || second === "getuser";
    case "config":
      return second === "set" && rest.some((word) => SECRET_PARAMETERS.includes(word));
    case "hello":
      return rest.includes("auth");
    case "migrate":
      return rest.includes("auth") || rest.includes("auth2");
    default:
      return false;
  }
}

/** Where the history is kept: REDENO_HISTFILE, or in the home directory; null for nowhere. */
export function historyPath(variable: (name: string) => string | undefined): string | null {
  const named = variable("REDENO_HISTFILE");
  if (named !== undefined && named !== "") return named === "/dev/null" ? null : named;
  const home = variable("HOME") ?? variable("USERPROFILE") ?? "";
  return home === "" ? null : `${home}/.redeno_history`;
}

export class LineHistory {
  readonly lines: string[] = [];
  readonly #path: string | null;

  /** With a path, begins with the lines of that file. */
  constructor(path: string | null) {
    this.#path = path;
    if (path === null) return;
    try {
      const lines = Deno.readTextFileSync(path).split("\n").filter((line) => line !== "");
      this.lines = lines.slice(-HISTORY_LINES_MAX);
      if (lines.length > this.lines.length) this.#write(`${this.lines.join("\n")}\n`, false);
    } catch {
      // There is none yet, or it is not ours to read.
    }
  }

  /** A line that repeats the one before it is not worth a place. */
  add(line: string): void {
    if (line === "" || line === this.lines.at(-1)) return;
    this.lines.push(line);
    if (this.lines.length > HISTORY_LINES_MAX) this.lines.shift();
    this.#write(`${line}\n`, true);
  }

  #write(text: string, isAppended: boolean): void {
    if (this.#path === null) return;
    try {
      // For its owner's eyes only.
      Deno.writeTextFileSync(this.#path, text, { append: isAppended, mode: 0o600 });
    } catch {
      // A history that cannot be kept is no reason to disturb a session.
    }
  }
}
