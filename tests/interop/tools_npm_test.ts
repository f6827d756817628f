/**
 * Libraries of npm that keep something in Redis, each doing a small job of its own: sessions of a
 * web server, caches, rate limiters with and without scripts, and servers that find each other. The
 * clients below them have their own test (npm_clients_test.ts).
 */

import { testNpmSession } from "../support/npm_session.ts";

testNpmSession(
  ["npm:redis@5", "npm:express@5", "npm:express-session@1", "npm:connect-redis@9"],
  "connect-redis keeps the sessions of an Express server",
  "session_store_session.mjs",
  [
    ["visits", [1, 1, 2, 3]],
    ["sessions", 2],
    ["views", [1, 3]],
    ["expires", true],
    ["left", "gone"],
    ["sessions", 1],
    ["begins anew", 1],
    ["cleared", 0],
  ],
);

testNpmSession(
  [
    ...["npm:ioredis@5", "npm:keyv@5", "npm:@keyv/redis@5", "npm:cache-manager@7"] as const,
    ...["npm:ratelimiter@3", "npm:rate-limiter-flexible@11"] as const,
    ...["npm:socket.io@4", "npm:@socket.io/redis-adapter@8"] as const,
  ],
  "caches, rate limiters and the adapter of socket.io do their work",
  "cache_session.mjs",
  [
    ["keyv", [[{ x: 1 }, 2, null], true, null, null]],
    ["cache-manager", [[1, 1], [1, 2, null], true, null]],
    ["ratelimiter", [3, 2, 1, 0]],
    ["rate-limiter-flexible", [1, 0, "no"]],
    ["socket.io", ["hello", 2]],
  ],
);

testNpmSession(
  [
    ...["npm:redis@5", "npm:ioredis@5", "npm:express@5", "npm:express-rate-limit@8"] as const,
    ...["npm:rate-limit-redis@4", "npm:rate-limiter-flexible@11"] as const,
  ],
  "rate limiters count by scripts",
  "scripted_limits_session.mjs",
  [
    ["rate-limit-redis", [[200, "2"], [200, "1"], [200, "0"], [429, "0"], [429, "0"]]],
    ["another server knows", [429, "0"]],
    ["scripts forgotten", [429, "0"]],
    ["begins anew", [200, "2"]],
    ["store", [1, 0, null]],
    ["rate-limiter-flexible", [1, 0, "no", "no", 1]],
  ],
);

testNpmSession(
  [
    ...["npm:ioredis@5", "npm:socket.io@4", "npm:socket.io-client@4"] as const,
    "npm:@socket.io/redis-streams-adapter@0.2",
  ],
  "servers of socket.io find each other through a stream",
  "socket_streams_session.mjs",
  [
    ["servers", [2]],
    ["to all", [[[1, 255], "to all"], [[1, 255], "to all"], [[1, 255], "to all"]]],
    ["from a client", ["from a", "from a"]],
    ["to a room of the other server", 7],
    ["sockets", [3, 1]],
    ["between servers", "servers"],
    ["answers", ["a", "b", "c"]],
    ["sent away", [true, true]],
    ["stream", true],
  ],
);
