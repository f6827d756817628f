/** Versions: what clients hear that they talk to, and what they really talk to. */

/** The redis-server whose behaviour this is; clients look at it (INFO, HELLO, COMMAND DOCS). */
export const REDIS_VERSION = "7.0.15";
/** Our own. */
export const REDENO_VERSION = "0.1.0";
