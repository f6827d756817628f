/**
 * Client filters: by what CLIENT LIST and CLIENT KILL choose among connections. Redis 7.0 knows a
 * few of them, one at a time for LIST; Valkey 9 knows all for both, and most turned round by NOT-.
 * A client must meet them all.
 */
import * as clock from "../base/clock.ts";
import { isCanonicalInteger } from "../base/integers.ts";
import type { Argv } from "../protocol/argv.ts";
import type { Client } from "../session/client.ts";
import {
  type ClientType,
  clientType,
  flagLetters,
  parseClientType,
} from "../session/client_listing.ts";
import { type CommandError, commandError, SYNTAX_ERROR } from "../session/errors.ts";
import { integerArgument } from "./arguments.ts";

/** Which connections are meant: those that all tests accept. */
export interface ClientFilter {
  tests: ClientTest[];
  /** The ids that were asked for, in this order; null if none were. */
  ids: number[] | null;
  /** The client that asks is not meant. */
  skipsMe: boolean;
}

type ClientTest = (candidate: Client) => boolean;
/** Makes a test of the argument at an index; throws if it makes no sense. */
type TestMaker = (client: Client, index: number) => ClientTest;

/** Letters of flags that clients of Redis and Valkey can have. */
const FLAG_LETTERS = /^[ABEIMNOPRSTUbcdeilrtux]*$/;
const CAPABILITY_LETTERS = /^r*$/;

function testMakers(
  makers: Readonly<Record<string, TestMaker>>,
): ReadonlyMap<string, TestMaker> {
  return new Map(Object.entries(makers));
}

const TESTS: ReadonlyMap<string, TestMaker> = testMakers({
  addr: (client, index) => {
    const address = client.argv.text(index);
    return ({ transport }) => transport.peerAddress === address;
  },
  laddr: (client, index) => {
    const address = client.argv.text(index);
    return ({ transport }) => transport.localAddress === address;
  },
  ip: (client, index) => {
    const ip = client.argv.text(index);
    return ({ transport: { peerAddress } }) => hostOf(peerAddress) === ip;
  },
  type: (client, index) => {
    const type = clientTypeArgument(client, index);
    return (candidate) => clientType(candidate) === type;
  },
  user: ({ argv, host }, index) => {
    const user = host.acl.find(argv.text(index));
    if (user === null) throw commandError(`ERR No such user '${argv.text(index)}'`);
    return (candidate) => candidate.user === user;
  },
  name: ({ argv }, index) => {
    const name = argv.text(index);
    return (candidate) => candidate.name === name && name !== "";
  },
  "lib-name": ({ argv }, index) => {
    const name = argv.text(index);
    return (candidate) => candidate.libraryName === name && name !== "";
  },
  "lib-ver": ({ argv }, index) => {
    const version = argv.text(index);
    return (candidate) => candidate.libraryVersion === version && version !== "";
  },
  db: ({ argv, host }, index) => {
    const number = integerArgument(
      argv,
      index,
      commandError("ERR DB is not an integer or out of range"),
    );
    const last = host.keyspace.databases.length - 1;
    if (number < 0 || number > last) {
      throw commandError(`ERR DB number should be between 0 and ${last}`);
    }
    return (candidate) => candidate.db.index === number;
  },
  flags: ({ argv }, index) => {
    const letters = argv.text(index);
    checkLetters(letters, FLAG_LETTERS, "flags");
    return (candidate) => {
      const own = flagLetters(candidate);
      return [...letters].every((letter) => own.includes(letter));
    };
  },
  capa: ({ argv }, index) => {
    const letters = argv.text(index);
    checkLetters(letters, CAPABILITY_LETTERS, "capa");
    // No client can declare a capability here.
    return () => letters === "";
  },
});

/** Tests that have no NOT- form. */
const AGE_TESTS: ReadonlyMap<string, TestMaker> = testMakers({
  maxage: ({ argv }, index) => {
    const bornMs = clock.nowMs() - 1000 * secondsArgument(argv, index, "maxage");
    return (candidate) => candidate.createdMs <= bornMs;
  },
  idle: ({ argv }, index) => {
    const activeMs = clock.nowMs() - 1000 * secondsArgument(argv, index, "idle");
    return (candidate) => candidate.lastInteractionMs <= activeMs;
  },
});

const NEGATION = "not-";

/** In what CLIENT LIST and CLIENT KILL differ. */
export interface FilterRules {
  /** What holds if SKIPME does not say otherwise. */
  skipsMe: boolean;
  /** What is thrown for an id that is none. */
  badId: CommandError;
  /** The least number that is an id at all; Redis: for LIST any, though it finds nobody. */
  idMin: number;
  /** One number alone follows ID. */
  takesOneId: boolean;
}

/** Reads filters from argument `from` on. */
export function clientFilterArguments(
  client: Client,
  from: number,
  rules: FilterRules,
): ClientFilter {
  const { argv } = client;
  const filter: ClientFilter = { tests: [], ids: null, skipsMe: rules.skipsMe };
  for (let index = from; index < argv.count;) {
    if (index + 1 === argv.count) throw SYNTAX_ERROR;
    const word = argv.text(index).toLowerCase();
    const isNegated = word.startsWith(NEGATION);
    const name = isNegated ? word.slice(NEGATION.length) : word;
    let test: ClientTest;
    if (name === "id") {
      const ids = idArguments(argv, index + 1, rules);
      if (!isNegated) filter.ids ??= ids;
      test = (candidate) => ids.includes(candidate.id);
      index += 1 + ids.length;
    } else if (word === "skipme") {
      filter.skipsMe = yesNoArgument(argv, index + 1);
      index += 2;
      continue;
    } else {
      const make = TESTS.get(name) ?? (isNegated ? undefined : AGE_TESTS.get(name));
      if (make === undefined) throw SYNTAX_ERROR;
      test = make(client, index + 1);
      index += 2;
    }
    filter.tests.push(isNegated ? (candidate) => !test(candidate) : test);
  }
  return filter;
}

/** The ids from argument `from` up to the next filter, or the one there. */
function idArguments(argv: Argv, from: number, rules: FilterRules): number[] {
  const ids: number[] = [];
  for (let index = from; index < argv.count; index++) {
    if (ids.length > 0 && rules.takesOneId) break;
    const isId = isCanonicalInteger(argv.bytes, argv.starts[index], argv.lengths[index]);
    const id = isId ? Number(argv.text(index)) : NaN;
    if (id >= rules.idMin) ids.push(id);
    else if (ids.length > 0 && isFilterName(argv.text(index).toLowerCase())) break;
    else throw rules.badId;
  }
  return ids;
}

function isFilterName(word: string): boolean {
  const name = word.startsWith(NEGATION) ? word.slice(NEGATION.length) : word;
  return name === "id" || word === "skipme" || TESTS.has(name) || AGE_TESTS.has(word);
}

function clientTypeArgument({ argv }: Client, index: number): ClientType {
  const type = parseClientType(argv.text(index));
  if (type === null) throw commandError(`ERR Unknown client type '${argv.quoted(index)}'`);
  return type;
}

function secondsArgument(argv: Argv, index: number, name: string): number {
  const seconds = integerArgument(
    argv,
    index,
    commandError(`ERR ${name} is not an integer or out of range`),
  );
  if (seconds <= 0) throw commandError(`ERR ${name} should be greater than 0`);
  return seconds;
}

function yesNoArgument(argv: Argv, index: number): boolean {
  if (argv.is(index, "yes")) return true;
  if (argv.is(index, "no")) return false;
  throw SYNTAX_ERROR;
}

function checkLetters(letters: string, known: RegExp, what: string): void {
  if (!known.test(letters)) {
    throw commandError(`ERR Unknown ${what} found in the provided filter: ${letters}`);
  }
}

/** "127.0.0.1" of "127.0.0.1:4000", "::1" of "[::1]:4000". */
function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(":")).replace(/^\[(.*)\]$/, "$1");
}
