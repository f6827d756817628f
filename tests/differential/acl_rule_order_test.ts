/**
 * Rules about commands as ACL LIST shows them from release 7.2 on: random ones to Redeno as 7.4 and
 * to redis-server 8.2.3 or valkey-server 9.1.2 (variables REDIS_8 and VALKEY_9 name the programs).
 *
 * REDENO_NEWER_SEED repeats a run.
 */
import { assertEquals } from "@std/assert";
import { missingPeer, type PeerKind, startPeer } from "../support/replication_pair.ts";
import { freshSeed, SeededRandom } from "../support/seeded_random.ts";
import { testUnless } from "../support/tool_availability.ts";

const SEED = Number(Deno.env.get("REDENO_NEWER_SEED") ?? freshSeed());
const USERS = 300;

/** Each with `+` or `-`; some are wrong. */
const NAMES = [
  ...["get", "set", "GET", "mget", "client", "client|kill", "CLIENT|list", "config|get", "config"],
  ...[
    "@read",
    "@write",
    "@string",
    "@ADMIN",
    "@connection",
    "select|0",
    "select|1",
    "get|A",
    "get|a",
  ],
  ...["@all", "nosuch", "@nosuch", "client|nosuch", "acl", "acl|setuser", "xadd", "@dangerous"],
];

function rules(random: SeededRandom): string[] {
  return Array.from({ length: 1 + random.below(7) }, () => {
    if (random.oneIn(15)) return random.pick(["allcommands", "nocommands", "resetkeys", "~k"]);
    return random.pick(["+", "-"]) + random.pick(NAMES);
  });
}

for (const kind of ["redis 8.2", "valkey 9.1"] satisfies PeerKind[]) {
  testUnless(missingPeer(kind), {
    name: `as release 7.4, rules about commands are shown as ${kind} shows them`,
    fn: async () => {
      await using ours = await startPeer("redeno", { release: "7.4" });
      await using theirs = await startPeer(kind);
      using one = await ours.connect();
      using other = await theirs.connect();
      const random = new SeededRandom(SEED);
      for (let index = 0; index < USERS; index++) {
        // Now and then a user gets more rules, else it begins anew.
        const words = [...(random.oneIn(3) ? [] : ["reset"]), ...rules(random)];
        const shown = await Promise.all([one, other].map(async (client) => {
          const reply = await client.call("ACL", "SETUSER", "u", ...words);
          const user = await client.call("ACL", "GETUSER", "u");
          const users = await client.expect("ACL", "LIST") as string[];
          const line = users.find((text) => text.startsWith("user u "));
          return {
            reply: String(reply),
            commands: (user as unknown[] | null)?.[5],
            rules: line?.replace(/^.* resetchannels /, ""),
          };
        }));
        assertEquals(shown[0], shown[1], `seed ${SEED}, ${index}: ${words.join(" ")}`);
      }
    },
  });
}
