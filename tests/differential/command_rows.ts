/**
 * The command table of a running server, read by COMMAND and COMMAND DOCS, in a form in which two
 * servers can be compared row by row.
 */

import type { RespClient } from "../support/resp_client.ts";
import type { Plain } from "../support/resp_reply.ts";

/** What is compared of a row; every field as text. */
export type CommandRow = Map<string, string>;

/** Reads all rows, subcommands as "config|get". The client must speak RESP2. */
export async function readCommandRows(client: RespClient): Promise<Map<string, CommandRow>> {
  const rows = new Map<string, CommandRow>();
  const info = await client.expect("COMMAND") as Plain[][];
  for (const entry of info) addInfo(rows, entry);
  const docs = await client.expect("COMMAND", "DOCS") as Plain[];
  for (let i = 0; i < docs.length; i += 2) addDocs(rows, String(docs[i]), docs[i + 1] as Plain[]);
  return rows;
}

function addInfo(rows: Map<string, CommandRow>, entry: Plain[]): void {
  const [name, arity, flags, first, last, step, categories, tips, keySpecs, subcommands] = entry;
  const row: CommandRow = new Map([
    ["arity", String(arity)],
    ["flags", sortedWords(flags)],
    ["keys", `${first} ${last} ${step}`],
    ["categories", sortedWords(categories)],
    ["tips", sortedWords(tips)],
    ["key specs", JSON.stringify(withoutNotes(keySpecs as Plain[][]))],
  ]);
  rows.set(String(name), row);
  for (const subcommand of subcommands as Plain[][]) addInfo(rows, subcommand);
}

function addDocs(rows: Map<string, CommandRow>, name: string, fields: Plain[]): void {
  const row = rows.get(name);
  if (row === undefined) return;
  for (let i = 0; i < fields.length; i += 2) {
    const field = String(fields[i]);
    const value = fields[i + 1];
    if (field === "subcommands") {
      const subcommands = value as Plain[];
      for (let j = 0; j < subcommands.length; j += 2) {
        addDocs(rows, String(subcommands[j]), subcommands[j + 1] as Plain[]);
      }
    } else if (field === "history") {
      const history = withoutProse(value as Plain[][]);
      if (history.length > 0) row.set("history", JSON.stringify(history));
    } else if (field === "arguments") {
      row.set(field, JSON.stringify(withoutLater(value as Plain[][])));
    } else if (field === "replaced_by") {
      row.set(field, namesIn(String(value)));
    } else {
      row.set(field, typeof value === "string" ? value : JSON.stringify(value));
    }
  }
}

/** Whether a version, "8.4.0", comes after the original's. */
export function isLater(version: string): boolean {
  if (!/^[0-9]+\.[0-9]+\.[0-9]+$/.test(version)) return false;
  const [major, minor] = version.split(".").map(Number);
  return major > 7 || (major === 7 && minor > 0);
}

/** Arguments, each a list of names and values, without those that came after the original. */
function withoutLater(list: Plain[][]): Plain[] {
  return list.filter((fields) => !isLater(String(fields[placeOf(fields, "since")])))
    .map((fields) => {
      const nested = placeOf(fields, "arguments");
      return nested < 0 ? fields : fields.with(nested, withoutLater(fields[nested] as Plain[][]));
    });
}

/** Where the value of a field stands in a list of names and values; -1 if it has no such field. */
function placeOf(fields: Plain[], name: string): number {
  for (let i = 0; i < fields.length; i += 2) if (fields[i] === name) return i + 1;
  return -1;
}

/** Of each entry of a history: the version, and whether it says anything. What it says is ours. */
function withoutProse(history: Plain[][]): Plain[][] {
  return history.filter(([version]) => !isLater(String(version))).map((
    [version, what],
  ) => [version, String(what) !== ""]);
}

/** Key specs whose notes, which are our own words, only say that there are any. */
function withoutNotes(keySpecs: Plain[][]): Plain[] {
  return keySpecs.map((spec) => {
    return spec.map((item, index) => spec[index - 1] === "notes" ? item !== "" : item);
  });
}

/** The names in backquotes, in order. `!GET` is a slip of Redis's: the option is GET. */
export function namesIn(text: string): string {
  const names = [...text.matchAll(/`!?([^`]+)`/g)].map((match) => match[1]!);
  return names.sort().join(" ");
}

function sortedWords(words: Plain): string {
  return (words as Plain[]).map(String).sort().join(" ");
}

/**
 * Where our row departs from the original: "arity: 2 | -2". The summary and the complexity are our
 * own sentences, so only their presence is compared, and of what replaces a command its names. All
 * else that COMMAND DOCS tells is compared: the tree of arguments to its last token and flag, the
 * versions of the history, deprecations.
 */
export function rowDifferences(original: CommandRow, ours: CommandRow): string[] {
  const differences = [...ours.keys()].filter((field) => !original.has(field))
    .map((field) => `${field}: missing | ${ours.get(field)}`);
  for (const [field, value] of original) {
    const other = ours.get(field);
    const isProse = field === "summary" || field === "complexity";
    if (isProse ? other === undefined || other === "" : other !== value) {
      differences.push(`${field}: ${value} | ${other ?? "missing"}`);
    }
  }
  return differences;
}
