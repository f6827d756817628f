/**
 * Libraries of npm that keep something in Redis, each doing a small job of its own: sessions of a
 * web server, caches, rate limiters, and servers that find each other. Only such as need no
 * scripts. The clients below them have their own test (npm_clients_test.ts).
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
