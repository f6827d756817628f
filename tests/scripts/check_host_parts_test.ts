/** Tests of scripts/check_host_parts.ts. */
import { assertEquals } from "@std/assert";
import { findHostReaches } from "../../scripts/check_host_parts.ts";
import { judgeImport } from "../../scripts/check_layers.ts";

const PUBSUB = {
  path: "src/observers/pubsub.ts",
  text: `declare module "../session/host.ts" {
    interface Host { readonly pubsub: PubSub; readonly channels: Channels }
  }`,
};

function reaches(path: string, text: string): string[] {
  const mayImport = (from: string, to: string) => judgeImport({ from, to }) === null;
  return findHostReaches([PUBSUB, { path, text }], mayImport);
}

Deno.test("a part is used by its own room and by those above it", () => {
  assertEquals(reaches("src/observers/a.ts", "this.#host.pubsub.publish();"), []);
  assertEquals(reaches("src/commands/a.ts", "const { pubsub } = client.host;"), []);
});

Deno.test("a room below that reaches for a part is named, however it does so", () => {
  const wanted = [
    "src/access/a.ts reaches for host.pubsub, which src/observers/pubsub.ts declares",
  ];
  const uses = [
    "client.host.pubsub.publish();",
    "const { log, pubsub } = this.#host;",
    'type AHost = Pick<Host, "log" | "pubsub">;',
    'type AHost = Pick<\n  Host,\n  | "log"\n  | "pubsub"\n>;',
    "function a({ host: { pubsub } }: Client) {}",
  ];
  for (const use of uses) assertEquals(reaches("src/access/a.ts", use), wanted, use);
});

Deno.test("comments, and names that are no parts, are nobody's use", () => {
  assertEquals(reaches("src/access/a.ts", "// host.pubsub\n/* host.pubsub */ host.log;"), []);
});
