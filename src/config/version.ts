/**
 * Versions: what clients hear that they talk to, and what they really talk to.
 *
 * The directive `redis-version` chooses among releases of Redis. It decides what the server says it
 * is and how it answers where releases differ: error texts, fields of INFO, encodings, arity. What
 * a later release has added altogether (a command, an option that was a syntax error before) is
 * there in any case, and each row of the command table says since when.
 */

/** The releases that the server can answer as. */
export type RedisRelease = "7.0" | "7.2" | "7.4";

/** The version that is announced for each; clients look at it (INFO, HELLO, LOLWUT). */
const VERSIONS: Readonly<Record<RedisRelease, string>> = {
  "7.0": "7.0.15",
  // All Valkeys announce this one, so every client knows it.
  "7.2": "7.2.4",
  "7.4": "7.4.2",
};

/** What the server answers as if nothing else is configured, and its version. */
export const DEFAULT_RELEASE: RedisRelease = "7.4";
export const DEFAULT_REDIS_VERSION = VERSIONS[DEFAULT_RELEASE];
/** The redis-cli whose output `redeno cli` has. */
export const REDIS_CLI_VERSION = VERSIONS["7.0"];
/** Our own. */
export const REDENO_VERSION = "0.1.0";

/** The part of a configuration that says which release the server answers as. */
export interface ReleaseChoice {
  readonly redisVersion: RedisRelease;
}

/** The version that clients are told. */
export function announcedVersion({ redisVersion }: ReleaseChoice): string {
  return VERSIONS[redisVersion];
}

/** Whether the server answers as this release or a later one. */
export function answersSince({ redisVersion }: ReleaseChoice, since: RedisRelease): boolean {
  return redisVersion >= since;
}
