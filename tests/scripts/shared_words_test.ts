/** Tests of scripts/shared_words.ts: what is a repeated sentence, and which texts are logged. */
import { assertEquals } from "@std/assert";
import { logTexts, Originals } from "../../scripts/shared_words.ts";
import { sourceFile } from "../../scripts/source_text.ts";

const originals = new Originals([
  "Return the number of subscriptions to patterns, and nothing else.",
  "Can't handle the file '%s': it is %d bytes long.",
  "Saving the data.",
  "Bad SET.",
]);

Deno.test("six words of prose in a row are a sentence, five are none", () => {
  assertEquals(
    originals.repeatedBy("    It will return the Number of subscriptions to\n patterns."),
    "return the number of subscriptions to patterns",
  );
  assertEquals(originals.repeatedBy("number of subscriptions to patterns"), null);
  assertEquals(originals.repeatedBy("Return the whole number of subscriptions"), null);
});

Deno.test("a whole text counts from three words on; names are no prose", () => {
  assertEquals(originals.repeatedBy("Saving the data"), "saving the data");
  assertEquals(originals.repeatedBy("Saving the data now"), null);
  assertEquals(originals.repeatedBy("Bad SET."), null);
  assertEquals(originals.repeatedBy(""), null);
});

Deno.test("what is filled in cuts a text, whatever its language", () => {
  const own = "Can't handle the file '${path}': it is ${size} bytes long.";
  assertEquals(originals.repeatedBy(own), "can't handle the file | it is | bytes long");
  assertEquals(originals.repeatedBy("file '%s': it is long"), null);
});

Deno.test("texts for the log are found in calls and errors, joined where they are", () => {
  const file = sourceFile(
    "src/a.ts",
    [
      "/** log.notice('a comment'); */",
      'log.notice("one");',
      "this.#log.warning(",
      '  "two " +',
      "    `parts ${f(a) + `x`} here`,",
      ");",
      'const other = "not for the log";',
      'throw new TlsFileError(isShort ? "short (very)" : "long", other);',
      'reply.error("ERR no");',
      'throw new CommandError("ERR neither");',
    ].join("\n"),
  );
  assertEquals(logTexts(file), [
    { line: 2, text: "one" },
    { line: 3, text: "two parts ${f(a) + `x`} here" },
    { line: 8, text: "short (very)" },
    { line: 8, text: "long" },
  ]);
});
