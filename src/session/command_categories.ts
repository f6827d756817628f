/**
 * Command categories: the ACL categories of a command: those its row names, and those that follow
 * from its flags (Redis: setImplicitACLCategories).
 */
import type { RedisCommand } from "./command.ts";

/** All categories, in the order in which COMMAND INFO and ACL CAT name them. */
export const CATEGORIES = [
  "@keyspace",
  "@read",
  "@write",
  "@set",
  "@sortedset",
  "@list",
  "@hash",
  "@string",
  "@bitmap",
  "@hyperloglog",
  "@geo",
  "@stream",
  "@pubsub",
  "@admin",
  "@fast",
  "@slow",
  "@blocking",
  "@dangerous",
  "@connection",
  "@transaction",
  "@scripting",
] as const;

/** Whether there is a category of this name, written with its "@". */
export function isCategory(name: string): boolean {
  return (CATEGORIES as readonly string[]).includes(name);
}

const categories = new WeakMap<RedisCommand, readonly string[]>();

/** All ACL categories of a command, in the order of CATEGORIES. */
export function categoriesOf(command: RedisCommand): readonly string[] {
  let own = categories.get(command);
  if (own === undefined) {
    const found = impliedCategories(command);
    own = CATEGORIES.filter((category) => found.has(category));
    categories.set(command, own);
  }
  return own;
}

function impliedCategories({ flags, categories }: RedisCommand): Set<string> {
  const found = new Set(categories);
  if (flags.includes("write")) found.add("@write");
  // Redis: a script that only reads may still do anything else.
  if (flags.includes("readonly") && !found.has("@scripting")) found.add("@read");
  if (flags.includes("admin")) found.add("@admin").add("@dangerous");
  if (flags.includes("pubsub")) found.add("@pubsub");
  if (flags.includes("fast")) found.add("@fast");
  if (flags.includes("blocking")) found.add("@blocking");
  if (!found.has("@fast")) found.add("@slow");
  return found;
}
