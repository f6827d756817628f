/** Expiries: setting, changing, dropping and reading them, under all conditions. */
import { expectReplies, timed } from "../support/timed_test.ts";

const NOT_AN_INTEGER = "-ERR value is not an integer or out of range\r\n";

timed("EXPIRE and its kin set, change and read the expiry", (server) => {
  server.run("SET", "k", "x");
  expectReplies(server, [
    ["TTL none", ":-2\r\n"],
    ["TTL k", ":-1\r\n"],
    ["EXPIRE k 10", ":1\r\n"],
    ["PTTL k", ":10000\r\n"],
    ["EXPIRETIME k", ":1700000010\r\n"],
    ["PEXPIRE k 1499", ":1\r\n"],
    ["TTL k", ":1\r\n"],
    ["PEXPIRE k 1500", ":1\r\n"],
    ["TTL k", ":2\r\n"],
    ["EXPIREAT k 1700000100", ":1\r\n"],
    ["PEXPIRETIME k", ":1700000100000\r\n"],
    ["PERSIST k", ":1\r\n"],
    ["PERSIST k", ":0\r\n"],
    ["PEXPIREAT k 9223372036854775807", ":1\r\n"],
    ["PEXPIRETIME k", ":9223372036854775807\r\n"],
    ["EXPIRE none 10", ":0\r\n"],
    ["PEXPIREAT k 1", ":1\r\n"],
    ["EXISTS k", ":0\r\n"],
  ]);
});

timed("NX, XX, GT and LT decide whether an expiry is set", (server) => {
  server.run("SET", "k", "x");
  expectReplies(server, [
    ["EXPIRE k 10 XX", ":0\r\n"],
    ["EXPIRE k 10 GT", ":0\r\n"],
    ["EXPIRE k 10 LT", ":1\r\n"],
    ["EXPIRE k 20 LT", ":0\r\n"],
    ["EXPIRE k 10 LT", ":0\r\n"],
    ["EXPIRE k 20 GT", ":1\r\n"],
    ["EXPIRE k 5 GT", ":0\r\n"],
    ["EXPIRE k 5 NX", ":0\r\n"],
    ["EXPIRE k 30 xx gt", ":1\r\n"],
    ["TTL k", ":30\r\n"],
    [
      "EXPIRE k 1 NX LT",
      "-ERR NX and XX, GT or LT options at the same time are not compatible\r\n",
    ],
    ["EXPIRE k 1 GT LT", "-ERR GT and LT options at the same time are not compatible\r\n"],
    ["EXPIRE k x FOO", "-ERR Unsupported option FOO\r\n"],
    ["EXPIRE k x", NOT_AN_INTEGER],
    ["EXPIRE none 9223372036854775807", "-ERR invalid expire time in 'expire' command\r\n"],
    ["PEXPIRE k 9223372036854775807", "-ERR invalid expire time in 'pexpire' command\r\n"],
    ["PEXPIRE k -9223372036854775808", ":1\r\n"],
    ["EXISTS k", ":0\r\n"],
  ]);
});
