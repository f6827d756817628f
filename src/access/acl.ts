/**
 * ACL: the users of a server, who a client is, and what it is refused (Redis: acl.c).
 *
 * A client whose user may do everything – the rule – carries no flag, and no command of it is
 * checked. Others carry REDIS_LIMITED_USER, which makes dispatch.ts ask `refusal`.
 *
 * Users come from `user` lines of the configuration or from the ACL file, never both; `requirepass`
 * is the password of the user "default". Passwords are kept as SHA-256 hashes
 * and compared in a time that does not depend on where they differ.
 */
import { timingSafeEqual } from "node:crypto";
import { latin1Bytes } from "../base/bytes.ts";
import type { Argv } from "../protocol/argv.ts";
import { type Denial, findDenial, mayReadAllKeys, mayReceive } from "./acl_check.ts";
import { describeUser, type Wording } from "./acl_description.ts";
import { AclLog, type AclLogEntry } from "./acl_log.ts";
import { type AclContext, applyUserRule, passwordHash } from "./acl_rules.ts";
import { AclUser } from "../session/acl_user.ts";
import {
  type Client,
  REDIS_CLOSE_AFTER_REPLY,
  REDIS_EXECUTING,
  REDIS_INTERNAL,
  REDIS_LIMITED_USER,
  REDIS_MULTI,
} from "../session/client.ts";
import { answersSince } from "../config/version.ts";
import type { CompiledCommand } from "../session/command.ts";
import { type CommandError, commandError } from "../session/errors.ts";
import type { CommandTable } from "../session/command_table.ts";
import type { Host } from "../session/host.ts";

const KEY_REFUSED = commandError(
  "NOPERM this user has no permissions to access one of the keys used as arguments",
);
const CHANNEL_REFUSED = commandError(
  "NOPERM this user has no permissions to access one of the channels used as arguments",
);
const EXEC_REFUSED =
  "NOPERM ACLs rules changed between the moment the transaction was accumulated " +
  "and the EXEC call. This command is no longer allowed for the following reason: ";
const EXEC_REASONS = {
  command: "no permission to execute the command or subcommand",
  key: "no permission to touch the specified keys",
  channel: "no permission to access one of the channels used as argument to the command",
  auth: "no permission",
} as const;

const SCRIPT_REASONS = {
  command: "The user executing the script can't run this command or subcommand",
  key: "The user executing the script can't access at least one of the keys mentioned in the " +
    "command arguments",
  channel: "The user executing the script can't publish to the channel mentioned in the command",
  auth: "The user executing the script is lacking the permissions for the command",
} as const;

/** Why a user may not run a command, in the words of Redis 7.2. */
function laterReason(
  reason: Denial["reason"],
  { name }: AclUser,
  command: CompiledCommand,
): string {
  if (reason === "key") return "No permissions to access a key";
  if (reason === "channel") return "No permissions to access a channel";
  return `User ${name} has no permissions to run the '${command.name}' command`;
}

declare module "../session/host.ts" {
  interface Host {
    readonly acl: Acl;
  }
}

/** What it uses of the host. */
type AclHost = Pick<
  Host,
  "calls" | "clients" | "commands" | "config" | "log" | "statistics"
>;

export class Acl implements AclContext {
  readonly defaultUser: AclUser;
  readonly log = new AclLog();
  readonly #host: AclHost;
  readonly #onStanding: (client: Client) => void;
  readonly #users = new Map<string, AclUser>();

  /** `onStanding` hears of a client that has authenticated, or must do so again. */
  constructor(host: AclHost, onStanding: (client: Client) => void) {
    this.#host = host;
    this.#onStanding = onStanding;
    this.defaultUser = this.#createUnlimited();
    this.#users.set("default", this.defaultUser);
  }

  get table(): CommandTable {
    return this.#host.commands;
  }

  get allowsChannelsByDefault(): boolean {
    return this.#host.config.aclPubsubDefault === "allchannels";
  }

  warn(message: string): void {
    this.#host.log.warning(message);
  }

  // ------------------------------------------------------------------------------------ users

  find(name: string): AclUser | null {
    return this.#users.get(name) ?? null;
  }

  /** All users by name, in the order of their bytes. */
  users(): AclUser[] {
    return [...this.#users.values()].sort((a, b) => a.name < b.name ? -1 : 1);
  }

  /** A user that is in no list yet and may do nothing. */
  createUser(name: string): AclUser {
    const user = new AclUser(name, this.table.all.length, this.allowsChannelsByDefault);
    if (answersSince(this.#host.config, "7.2")) user.payloadCheck = "sanitize-payload";
    return user;
  }

  /** What the user "default" is unless somebody says otherwise. */
  #createUnlimited(): AclUser {
    const user = this.createUser("default");
    for (const rule of ["+@all", "~*", "&*", "on", "nopass"]) applyUserRule(user, rule, this);
    return user;
  }

  /** Adds a user, or gives the one of that name what this one may do; clients feel it at once. */
  put(changed: AclUser): void {
    const user = this.#users.get(changed.name);
    if (user === undefined) {
      this.#users.set(changed.name, changed);
      return;
    }
    user.assign(changed);
    for (const client of [...this.#host.clients.values()]) {
      if (client.user !== user) continue;
      this.#updateFlag(client);
      if (!this.#mayKeepSubscriptions(client)) this.disconnect(client);
    }
    if (user === this.defaultUser) this.#admitWaiting();
  }

  /** Removes a user and ends its connections. False if there is none. */
  remove(name: string): boolean {
    const user = this.#users.get(name);
    if (user === undefined) return false;
    this.#users.delete(name);
    for (const client of [...this.#host.clients.values()]) {
      if (client.user === user) this.disconnect(client);
    }
    return true;
  }

  /** Puts other users in the place of all (ACL LOAD). Connections of the old ones end. */
  replaceAll(users: readonly AclUser[]): void {
    for (const { name } of this.users()) if (name !== "default") this.remove(name);
    for (const user of users) if (user.name !== "default") this.#users.set(user.name, user);
    this.put(users.find(({ name }) => name === "default") ?? this.#createUnlimited());
  }

  /** Ends a connection; the client of the running command still gets its reply. */
  disconnect(client: Client): void {
    if (this.#host.calls.isRunning(client)) client.flags |= REDIS_CLOSE_AFTER_REPLY;
    else client.transport.close();
  }

  /** How users are worded by the release that the server answers as. */
  get wording(): Wording {
    return { table: this.table, keepsRules: answersSince(this.#host.config, "7.2") };
  }

  /** The rules of a user: "on nopass ~* &* +@all". */
  describe(user: AclUser): string {
    return describeUser(user, this.wording);
  }

  /** `requirepass`: the password of the default user; "" is none. */
  setDefaultPassword(password: string): void {
    const changed = this.defaultUser.copy();
    const rules = password === "" ? ["resetpass", "nopass"] : ["resetpass", `>${password}`];
    for (const rule of rules) applyUserRule(changed, rule, this);
    this.put(changed);
  }

  // ---------------------------------------------------------------------------- who a client is

  /** Whether new clients must authenticate before anything else. */
  get requiresPassword(): boolean {
    const { hasNoPassword, isOn } = this.defaultUser;
    return !hasNoPassword || !isOn;
  }

  /** Checks a password and, if it is right, makes the client that user; else logs it. */
  authenticate(client: Client, userName: string, password: string): boolean {
    const user = this.#users.get(userName);
    if (user === undefined || !this.#isRight(user, password)) {
      this.#note(client, "auth", client.argv.text(0), userName);
      return false;
    }
    client.user = user;
    this.#setAuthenticated(client, true);
    this.#updateFlag(client);
    return true;
  }

  #isRight(user: AclUser, password: string): boolean {
    if (!user.isOn) return false;
    if (user.hasNoPassword) return true;
    const given = latin1Bytes(passwordHash(password));
    let isRight = false;
    for (const hash of user.passwords) {
      if (timingSafeEqual(given, latin1Bytes(hash))) isRight = true;
    }
    return isRight;
  }

  /** Makes a client the default user, as it was when it came (RESET). */
  resetClient(client: Client): void {
    client.user = this.defaultUser;
    this.#setAuthenticated(client, !this.requiresPassword);
    this.#updateFlag(client);
  }

  #setAuthenticated(client: Client, isAuthenticated: boolean): void {
    client.isAuthenticated = isAuthenticated;
    this.#onStanding(client);
  }

  #updateFlag(client: Client): void {
    if (client.user.isUnlimited) client.flags &= ~REDIS_LIMITED_USER;
    else client.flags |= REDIS_LIMITED_USER;
  }

  /** The default user needs no password any more: nobody has to authenticate. */
  #admitWaiting(): void {
    if (this.requiresPassword) return;
    for (const client of this.#host.clients.values()) this.#setAuthenticated(client, true);
  }

  #mayKeepSubscriptions({ user, channels, patterns, shardChannels }: Client): boolean {
    const may = (names: Set<string> | null, isPattern: boolean) =>
      [...names ?? []].every((name) => mayReceive(user, latin1Bytes(name), isPattern));
    return may(channels, false) && may(shardChannels, false) && may(patterns, true);
  }

  // ------------------------------------------------------------------------ what it is refused

  /** Why a client may not run the command in its `argv`, or null; logged. */
  refusal(client: Client, command: CompiledCommand): CommandError | null {
    const denial = this.#denial(client, command);
    if (denial === null) return null;
    if (answersSince(this.#host.config, "7.2")) {
      return commandError(`NOPERM ${laterReason(denial.reason, client.user, command)}`);
    }
    if (denial.reason === "key") return KEY_REFUSED;
    if (denial.reason === "channel") return CHANNEL_REFUSED;
    return commandError(
      `NOPERM this user has no permissions to run the '${command.name}' command`,
    );
  }

  /** `refusal` for a queued command: its user may have been changed since. */
  refusalInExec(client: Client, command: CompiledCommand): CommandError | null {
    const denial = this.#denial(client, command);
    return denial === null ? null : commandError(EXEC_REFUSED + EXEC_REASONS[denial.reason]);
  }

  /** What a script is told that may not run a command for its caller, or null; logged. */
  refusalInScript(caller: Client, command: CompiledCommand, argv: Argv): string | null {
    if ((caller.flags & REDIS_INTERNAL) !== 0) return null;
    const denial = findDenial(caller.user, command, argv);
    if (denial === null) return null;
    const { reason, index } = denial;
    const object = reason === "command" ? command.name : argv.text(index);
    this.#add(caller, reason, "lua", object, caller.userName);
    if (!answersSince(this.#host.config, "7.2")) return SCRIPT_REASONS[reason];
    return `ACL failure in script: ${laterReason(reason, caller.user, command)}`;
  }

  /** Whether a client may read any key with its command, also such as no argument names. */
  mayReadAllKeys(client: Client): boolean {
    return mayReadAllKeys(client.user, client.command!, client.argv);
  }

  #denial(client: Client, command: CompiledCommand): Denial | null {
    if ((client.flags & REDIS_INTERNAL) !== 0) return null;
    const denial = findDenial(client.user, command, client.argv);
    if (denial === null) return null;
    const { reason, index } = denial;
    const object = reason === "command" ? command.name : client.argv.text(index);
    if ((client.flags & REDIS_EXECUTING) === 0) client.command = command;
    this.#note(client, reason, object, client.userName);
    return denial;
  }

  #note(client: Client, reason: Denial["reason"], object: string, userName: string): void {
    const isInTransaction = (client.flags & (REDIS_MULTI | REDIS_EXECUTING)) !== 0;
    const context = isInTransaction ? "multi" : "toplevel";
    this.#add(client, reason, context, object, userName);
  }

  #add(
    client: Client,
    reason: Denial["reason"],
    context: AclLogEntry["context"],
    object: string,
    userName: string,
  ): void {
    const { config, statistics } = this.#host;
    statistics.accessDenied[reason]++;
    this.log.add(client, reason, context, object, userName, config.acllogMaxLen);
  }

  /** What ACL DRYRUN finds. */
  dryRun(user: AclUser, command: CompiledCommand, argv: Argv): Denial | null {
    return findDenial(user, command, argv);
  }
}
