/**
 * Replicaof commands: who the master of this server is: REPLICAOF (SLAVEOF), ROLE.
 */
import { replyMasterRole } from "../replication/replication_info.ts";
import { type Client, REDIS_REPLICA } from "../session/client.ts";
import { clientLine } from "../session/client_listing.ts";
import type { RedisCommand } from "../session/command.ts";
import { commandError } from "../session/errors.ts";
import { boundedIntegerArgument } from "./arguments.ts";

const NO_KEYS = [0, 0, 0] as const;
const CHANGES = ["admin", "noscript", "stale", "no_async_loading"] as const;

// deno-fmt-ignore
export const replicaofCommands: readonly RedisCommand[] = [
  { name: "replicaof", arity: 3, flags: CHANGES, keys: NO_KEYS, proc: replicaofCommand,
    categories: [], since: "5.0.0", group: "server", complexity: "O(1)",
    summary: "Makes this server follow another one, or be a master." },
  { name: "slaveof", arity: 3, flags: CHANGES, keys: NO_KEYS, proc: replicaofCommand,
    categories: [], since: "1.0.0", group: "server", complexity: "O(1)",
    summary: "Makes this server follow another one, or be a master." },
  { name: "role", arity: 1, flags: ["noscript", "loading", "stale", "fast"], keys: NO_KEYS,
    proc: roleCommand,
    categories: ["@admin", "@dangerous"], since: "2.8.12", group: "server", complexity: "O(1)",
    summary: "Tells the server's role in replication." },
];

const INVALID_PORT = commandError("ERR Invalid master port");
const IS_REPLICA = commandError("ERR Command is not valid when client is a replica.");
const FAILING_OVER = commandError("ERR REPLICAOF not allowed while failing over.");
const PORT_MAX = 65535;

function replicaofCommand(client: Client): void {
  const { argv, reply, host: { log, masterLink, replication } } = client;
  if (replication.failover.isUnderWay) throw FAILING_OVER;
  if (argv.is(1, "no") && argv.is(2, "one")) {
    if (masterLink.address !== null) {
      masterLink.unfollow();
      log.notice(`This server is a master now, as asked by '${clientLine(client)}'`);
    }
    reply.ok();
    return;
  }
  if (client.has(REDIS_REPLICA)) throw IS_REPLICA;
  const port = boundedIntegerArgument(argv, 2, 0, PORT_MAX, INVALID_PORT);
  const host = argv.text(1);
  const { address } = masterLink;
  if (address?.host.toLowerCase() === host.toLowerCase() && address.port === port) {
    log.notice("REPLICAOF names the master that this server follows already");
    reply.simple("OK Already connected to specified master");
    return;
  }
  log.notice(`This server follows ${host}:${port} now, as asked by '${clientLine(client)}'`);
  masterLink.follow({ host, port });
  reply.ok();
}

function roleCommand({ host, reply }: Client): void {
  const { masterLink, replication } = host;
  const { address } = masterLink;
  if (address !== null) {
    reply.array(5);
    reply.bulkText("slave");
    reply.bulkText(address.host);
    reply.integer(address.port);
    reply.bulkText(masterLink.state);
    reply.integer(masterLink.appliedOffset);
    return;
  }
  replyMasterRole(replication, reply);
}
