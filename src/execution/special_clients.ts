/**
 * Special clients: what is done before and after a command of a client whose replies are dropped
 * (CLIENT REPLY), that may be pushed to (tracking), that touches nothing, or that is a replica.
 */
import {
  type Client,
  REDIS_CLOSE_NOW,
  REDIS_NO_TOUCH,
  REDIS_REPLICA,
  REDIS_REPLY_OFF,
  REDIS_REPLY_SKIP,
  REDIS_REPLY_SKIP_NEXT,
  REDIS_TRACKING,
} from "../session/client.ts";

/** Before a command of a client whose replies are dropped, or that may be pushed to. */
export function beginSpecial(client: Client): void {
  if ((client.flags & REDIS_REPLY_SKIP_NEXT) !== 0) {
    client.flags = (client.flags & ~REDIS_REPLY_SKIP_NEXT) | REDIS_REPLY_SKIP;
  }
  client.runningMark = client.reply.length;
  const { keyspace, tracking } = client.host;
  if ((client.flags & REDIS_TRACKING) !== 0) tracking.writer = client;
  if ((client.flags & REDIS_NO_TOUCH) !== 0) keyspace.isTouchPaused = true;
}

/** After it: drops its reply if so wished, adds the pushes that waited. */
export function endSpecial(client: Client, mark: number): void {
  client.runningMark = -1;
  if ((client.flags & (REDIS_REPLY_OFF | REDIS_REPLY_SKIP)) !== 0) client.reply.rewind(mark);
  client.flags &= ~REDIS_REPLY_SKIP;
  if ((client.flags & REDIS_REPLICA) !== 0 && client.reply.length > mark) endRogue(client, mark);
  const { keyspace, tracking } = client.host;
  if (client.tracking !== null) tracking.endCommand(client);
  tracking.writer = null;
  keyspace.isTouchPaused = false;
  client.addLaterPushes();
}

/** A reply in the middle of a replica's stream would be taken for a part of it. */
function endRogue(client: Client, mark: number): void {
  client.reply.rewind(mark);
  client.flags |= REDIS_CLOSE_NOW;
  const { command, transport: { peerAddress } } = client;
  client.host.log.warning(
    `Replica ${peerAddress} is let go: it sent ${command?.name ?? "an unknown command"}, which ` +
      "has a reply",
  );
}
