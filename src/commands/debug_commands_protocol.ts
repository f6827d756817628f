/**
 * DEBUG PROTOCOL: a sample of each kind of reply, for the tests of client libraries.
 */
import { latin1Bytes } from "../base/bytes.ts";
import type { Reply } from "../protocol/reply.ts";
import type { Client } from "../session/client.ts";
import { commandError } from "../session/errors.ts";

const WRONG_TYPE_NAME = commandError(
  "ERR Wrong protocol type name. Please use one of the following: " +
    "string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false",
);
const NEEDS_RESP3 = commandError("ERR RESP2 is not supported by this command");

const BIG_NUMBER = "1234567999999999999999999999999999999";

const SAMPLES: Readonly<Record<string, (reply: Reply) => void>> = {
  string: (reply) => reply.bulkText("Hello World"),
  integer: (reply) => reply.integer(12345),
  double: (reply) => reply.double(3.141),
  bignum: (reply) => {
    if (reply.resp === 2) reply.bulkText(BIG_NUMBER);
    else raw(reply, `(${BIG_NUMBER}\r\n`);
  },
  null: (reply) => reply.nil(),
  array: (reply) => {
    reply.array(3);
    for (let index = 0; index < 3; index++) reply.integer(index);
  },
  set: (reply) => {
    reply.set(3);
    for (let index = 0; index < 3; index++) reply.integer(index);
  },
  map: (reply) => {
    reply.map(3);
    for (let index = 0; index < 3; index++) {
      reply.integer(index);
      reply.boolean(index === 1);
    }
  },
  attrib: (reply) => {
    if (reply.resp === 3) {
      raw(reply, "|1\r\n");
      reply.bulkText("key-popularity");
      reply.array(2);
      reply.bulkText("key:123");
      reply.integer(90);
    }
    reply.bulkText("Some real reply following the attribute");
  },
  push: (reply) => {
    if (reply.resp === 2) throw NEEDS_RESP3;
    reply.push(2);
    reply.bulkText("server-cpu-usage");
    reply.integer(42);
    reply.bulkText("Some real reply following the push reply");
  },
  verbatim: (reply) => reply.verbatim("This is a verbatim\nstring"),
  true: (reply) => reply.boolean(true),
  false: (reply) => reply.boolean(false),
};

function raw(reply: Reply, text: string): void {
  reply.raw(latin1Bytes(text), 0, text.length);
}

/** Replies a sample of the kind that argument 2 names. */
export function replyProtocolSample({ argv, reply }: Client): void {
  const sample = Object.hasOwn(SAMPLES, argv.text(2).toLowerCase())
    ? SAMPLES[argv.text(2).toLowerCase()]
    : undefined;
  if (sample === undefined) throw WRONG_TYPE_NAME;
  sample(reply);
}
