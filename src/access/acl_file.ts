/**
 * ACL file: the users as lines `user <name> <rule> …`, in a file of their own (`aclfile`) or among
 * the directives of the configuration. Loading is all or nothing.
 */
import { trimSpace } from "../base/ascii.ts";
import { latin1Bytes, latin1Text, readableText, utf8AsLatin1 } from "../base/bytes.ts";
import { replaceFile } from "../persistence/file_system.ts";
import type { Acl } from "./acl.ts";
import { applyUserRule, hasSpaces, mergeSelectors } from "./acl_rules.ts";
import type { AclUser } from "../session/acl_user.ts";
import { quoteConfigWord } from "../config/config_lexer.ts";
import { systemErrorText } from "../config/config.ts";
import type { Host } from "../session/host.ts";

const NO_FILE =
  "This Redis instance is not configured to use an ACL file. You may want to specify " +
  "users via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis " +
  "configuration file set) in order to store users in the Redis configuration.";
const BOTH_SOURCES =
  "Configuring Redis with users defined in redis.conf and at the same setting an " +
  "ACL file path is invalid. This setup is very likely to lead to configuration errors and " +
  "security holes, please define either an ACL file or declare users directly in your redis.conf, " +
  "but not both.";

/** What it uses of the host. */
type AclFileHost = Pick<Host, "acl" | "config" | "files" | "log">;

/** Permissions of a new file, which will hold hashes of passwords. */
const OWNER_ONLY = 0o600;

/** Makes the users that configuration or ACL file name; throws an Error if that is impossible. */
export function loadUsersAtStart(host: AclFileHost): void {
  const { config } = host;
  if (config.aclfile !== "") {
    if (config.users.length > 0) throw new Error(BOTH_SOURCES);
    const error = loadAclFile(host);
    if (error !== null) throw failure(`Aborting Redis startup because of ACL errors: ${error}`);
    return;
  }
  const names = new Set<string>();
  for (const { words } of config.users) {
    const [name, ...rules] = words;
    if (names.has(name!)) {
      const reason = "Duplicate user found. A user can only be defined once in config files";
      throw failure(`Error in user declaration '${words[0]}': ${reason}`);
    }
    names.add(name!);
    host.acl.put(configuredUser(host, name!, rules));
  }
}

/** An Error for the log, which is ordinary text. */
function failure(latin1: string): Error {
  return new Error(readableText(latin1));
}

function configuredUser(
  { acl, log }: AclFileHost,
  name: string,
  words: readonly string[],
): AclUser {
  if (hasSpaces(name)) throw new Error("The name of an ACL user holds a space");
  const user = acl.createUser(name);
  const merged = mergeSelectors(words);
  if ("unmatched" in merged) {
    const reason = `Unmatched parenthesis in acl selector starting at '${merged.unmatched}'`;
    throw failure(`Error in user declaration '${name}': ${reason}`);
  }
  if (name === "default") applyUserRule(user, "reset", acl);
  for (const rule of merged.rules) {
    const reason = applyUserRule(user, rule, acl);
    if (reason === null) continue;
    throw failure(`Error loading ACL rule '${rule}' for the user named '${name}': ${reason}`);
  }
  if (!user.isOn) {
    log.notice(
      `The user '${
        readableText(name)
      }' is off: its rules do not say 'on', so nobody can log in with this name.`,
    );
  }
  return user;
}

/** Puts the users of the ACL file in the place of all. Returns what is wrong with it, or null. */
export function loadAclFile({ acl, config }: AclFileHost): string | null {
  if (config.aclfile === "") return NO_FILE;
  const file = utf8AsLatin1(config.aclfile);
  let text: string;
  try {
    const bytes = Deno.readFileSync(config.resolvePath(config.aclfile));
    text = latin1Text(bytes, 0, bytes.length);
  } catch (error) {
    return `Error loading ACLs, opening file '${file}': ${systemErrorText(error)}`;
  }
  const users = new Map<string, AclUser>();
  let errors = "";
  for (const [index, line] of text.split("\n").entries()) {
    const trimmed = trimSpace(line);
    if (trimmed !== "") errors += readLine(acl, file, index + 1, trimmed, users);
  }
  if (errors !== "") {
    return `${errors}WARNING: ACL errors detected, no change to the previously active ACL rules ` +
      "was performed";
  }
  acl.replaceAll([...users.values()]);
  return null;
}

/** Reads one line into `users`; returns all that is wrong with it. */
function readLine(
  acl: Acl,
  file: string,
  lineNumber: number,
  line: string,
  users: Map<string, AclUser>,
): string {
  const at = `${file}:${lineNumber}`;
  const [keyword, name, ...words] = line.split(" ");
  if (keyword !== "user" || name === undefined) {
    return `${at} should start with user keyword followed by the username. `;
  }
  if (hasSpaces(name)) return `'${at}: username '${name}' contains invalid characters. `;
  if (users.has(name)) return `WARNING: Duplicate user '${name}' found on line ${lineNumber}. `;
  const merged = mergeSelectors(words);
  if ("unmatched" in merged) return `${at}: Unmatched parenthesis in selector definition.`;
  const user = acl.createUser(name);
  users.set(name, user);
  let errors = "";
  for (const rule of merged.rules) {
    const reason = applyUserRule(user, trimSpace(rule), acl);
    if (reason === null) continue;
    // Redis: a mere syntax error is told once, others one by one with the rule.
    const what = reason === "Syntax error"
      ? reason
      : `Error in applying operation '${rule}': ${reason}`;
    if (errors.includes(what)) continue;
    errors += `${at}: ${what}. `;
  }
  return errors;
}

/**
 * Writes all users to the ACL file, which keeps its permissions (Redis: it becomes readable by
 * all). Returns what went wrong, or null.
 */
export function saveAclFile({ acl, config, files, log }: AclFileHost): string | null {
  const { aclfile } = config;
  if (aclfile === "") return NO_FILE;
  let text = "";
  for (const user of acl.users()) text += `user ${user.name} ${acl.describe(user)}\n`;
  const path = config.resolvePath(aclfile);
  try {
    replaceFile(files, path, latin1Bytes(text), OWNER_ONLY);
    return null;
  } catch (error) {
    log.warning(`Saving the ACL file ${path}: ${systemErrorText(error)}`);
    return "There was an error trying to save the ACLs. Please check the server logs for more " +
      "information";
  }
}

/** The users as `name rule…`, for the configuration file. */
export function userLines(acl: Acl): string[] {
  return acl.users().map((user) => {
    // Redis writes quotes as they are, and cannot read them again.
    const words = `${user.name} ${acl.describe(user)}`.split(" ");
    return words.map((word) => /["']/.test(word) ? quoteConfigWord(word) : word).join(" ");
  });
}
