/**
 * Connection commands: PING, ECHO, SELECT, AUTH, HELLO, QUIT, RESET. CLIENT has a file of its own.
 */
import type { Argv } from "../protocol/argv.ts";
import { REDIS_CLOSE_AFTER_REPLY, REDIS_PUBSUB } from "../session/client.ts";
import { latin1Text } from "../base/bytes.ts";
import type { Client } from "../session/client.ts";
import type { RedisCommand } from "../session/command.ts";
import { commandError, wrongArity } from "../session/errors.ts";
import { announcedVersion } from "../config/version.ts";
import { databaseArgument, integerArgument } from "./arguments.ts";

const NO_KEYS = [0, 0, 0] as const;
const NO_PASSWORD_SET = commandError(
  "ERR AUTH <password> called without any password configured for the default user. " +
    "Are you sure your configuration is correct?",
);
const WRONG_PASSWORD = commandError(
  "WRONGPASS invalid username-password pair or user is disabled.",
);
const HELLO_NO_AUTH = commandError(
  "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> " +
    "AUTH <user> <pass> option can be used to authenticate the client and select the RESP " +
    "protocol version at the same time",
);
const UNSUPPORTED_PROTOCOL = commandError("NOPROTO unsupported protocol version");
const NOT_A_PROTOCOL = commandError(
  "ERR Protocol version is not an integer or out of range",
);
const INVALID_CLIENT_NAME = commandError(
  "ERR Client names cannot contain spaces, newlines or special characters.",
);

// deno-fmt-ignore
export const connectionCommands: readonly RedisCommand[] = [
  { name: "ping", arity: -1, flags: ["fast"], keys: NO_KEYS, traits: ["allowed_in_subscribe", "refused_without_disk"],
    proc: pingCommand, categories: ["@connection"],
    tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
    since: "1.0.0", group: "connection", complexity: "O(1)", summary: "Answers, to show that the server is there." },
  { name: "echo", arity: 2, flags: ["loading", "stale", "fast"], keys: NO_KEYS, proc: echoCommand,
    categories: ["@connection"], since: "1.0.0", group: "connection", complexity: "O(1)",
    summary: "Answers its argument." },
  { name: "select", arity: 2, flags: ["loading", "stale", "fast"], keys: NO_KEYS, proc: selectCommand,
    categories: ["@connection"], since: "1.0.0", group: "connection", complexity: "O(1)",
    summary: "Chooses the database of this connection." },
  { name: "auth", arity: -2, flags: ["noscript", "loading", "stale", "fast", "no_auth", "allow_busy"], keys: NO_KEYS,
    proc: authCommand, isSecret: (_argv, index) => index >= 1,
    categories: ["@connection"], since: "1.0.0", group: "connection",
    complexity: "O(N), N: the passwords that the user has.",
    summary: "Authenticates the connection." },
  { name: "hello", arity: -1, flags: ["noscript", "loading", "stale", "fast", "no_auth", "allow_busy"], keys: NO_KEYS,
    proc: helloCommand, isSecret: isHelloSecret,
    categories: ["@connection"], since: "6.0.0", group: "connection", complexity: "O(1)",
    summary: "Chooses the protocol version, and authenticates if asked to." },
  { name: "quit", arity: -1, flags: ["noscript", "loading", "stale", "fast", "no_auth", "allow_busy"], keys: NO_KEYS,
    traits: ["acts_in_multi", "allowed_in_subscribe"],
    proc: quitCommand, categories: ["@connection"], since: "1.0.0", group: "connection", complexity: "O(1)",
    summary: "Closes the connection." },
  { name: "reset", arity: 1, flags: ["noscript", "loading", "stale", "fast", "no_auth", "allow_busy"], keys: NO_KEYS,
    traits: ["acts_in_multi", "allowed_in_subscribe"],
    proc: resetCommand, categories: ["@connection"], since: "6.2.0", group: "connection", complexity: "O(1)",
    summary: "Puts the connection back into the state it began with." },
];

function pingCommand({ argv, reply, flags, command }: Client): void {
  if (argv.count > 2) throw wrongArity(command!.name);
  if ((flags & REDIS_PUBSUB) !== 0 && reply.resp === 2) {
    reply.array(2);
    reply.bulkText("pong");
    if (argv.count === 1) reply.bulkText("");
    else reply.bulk(argv.bytes, argv.starts[1], argv.lengths[1]);
  } else if (argv.count === 1) {
    reply.simple("PONG");
  } else {
    reply.bulk(argv.bytes, argv.starts[1], argv.lengths[1]);
  }
}

function echoCommand({ argv, reply }: Client): void {
  reply.bulk(argv.bytes, argv.starts[1], argv.lengths[1]);
}

function selectCommand(client: Client): void {
  client.db = databaseArgument(client, 1);
  client.reply.ok();
}

function authCommand(client: Client): void {
  const { argv, host } = client;
  if (argv.count > 3) throw commandError("ERR syntax error");
  if (argv.count === 2 && host.acl.defaultUser.hasNoPassword) throw NO_PASSWORD_SET;
  const userName = argv.count === 3 ? argv.text(1) : "default";
  authenticate(client, userName, argv.copy(argv.count - 1));
  client.reply.ok();
}

function authenticate(client: Client, userName: string, password: Uint8Array): void {
  const text = latin1Text(password, 0, password.length);
  if (!client.host.acl.authenticate(client, userName, text)) throw WRONG_PASSWORD;
}

function helloCommand(client: Client): void {
  const { argv, reply, host } = client;
  let resp = reply.resp;
  if (argv.count >= 2) {
    const version = integerArgument(argv, 1, NOT_A_PROTOCOL);
    if (version !== 2 && version !== 3) throw UNSUPPORTED_PROTOCOL;
    resp = version;
  }
  const options = parseHelloOptions(client);
  if (options.password !== null) authenticate(client, options.userName, options.password);
  if (!client.isAuthenticated) throw HELLO_NO_AUTH;
  if (options.clientName !== null) client.name = options.clientName;
  reply.resp = resp;
  reply.map(7);
  reply.bulkText("server");
  reply.bulkText("redis");
  reply.bulkText("version");
  reply.bulkText(announcedVersion(host.config));
  reply.bulkText("proto");
  reply.integer(resp);
  reply.bulkText("id");
  reply.integer(client.id);
  reply.bulkText("mode");
  reply.bulkText("standalone");
  reply.bulkText("role");
  reply.bulkText(host.replication.state.isReplica ? "replica" : "master");
  reply.bulkText("modules");
  reply.array(0);
}

/** User name and password, behind AUTH. */
function isHelloSecret(argv: Argv, index: number): boolean {
  return index >= 2 &&
    (argv.is(index - 1, "auth") || (index >= 3 && argv.is(index - 2, "auth")));
}

interface HelloOptions {
  userName: string;
  password: Uint8Array | null;
  clientName: string | null;
}

function parseHelloOptions({ argv }: Client): HelloOptions {
  const options: HelloOptions = { userName: "", password: null, clientName: null };
  for (let index = 2; index < argv.count; index++) {
    if (argv.is(index, "auth") && index + 2 < argv.count) {
      options.userName = argv.text(index + 1);
      options.password = argv.copy(index + 2);
      index += 2;
    } else if (argv.is(index, "setname") && index + 1 < argv.count) {
      options.clientName = argv.text(index + 1);
      if (!isClientName(options.clientName)) throw INVALID_CLIENT_NAME;
      index++;
    } else {
      throw commandError(`ERR Syntax error in HELLO option '${argv.quoted(index)}'`);
    }
  }
  return options;
}

/** Whether a text may be a client's name: printable ASCII without spaces. */
export function isClientName(name: string): boolean {
  return /^[!-~]*$/.test(name);
}

function quitCommand(client: Client): void {
  client.flags |= REDIS_CLOSE_AFTER_REPLY;
  client.reply.ok();
}

function resetCommand(client: Client): void {
  client.host.clientLife.reset(client);
  client.reply.simple("RESET");
}
