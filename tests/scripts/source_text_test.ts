/** Tests of scripts/source_text.ts. */
import { assertEquals } from "@std/assert";
import { separate, sourceFile } from "../../scripts/source_text.ts";

function code(text: string): string {
  return separate(text).code;
}

Deno.test("comments leave the code, and the code leaves the comments", () => {
  const { code, comments } = separate("a; // b\n/* c\nd */ e;");
  assertEquals(code, "a;     \n    \n     e;");
  assertEquals(comments, "   // b\n/* c\nd */   ");
});

Deno.test("the insides of strings, templates and expressions are blanked", () => {
  assertEquals(code(`f("//x", 'a"b')`), `f("   ", '   ')`);
  assertEquals(code('`a${`b` + "}"}c` + d'), "`              ` + d");
  assertEquals(code('x.match(/[/"]\\/`/g)'), "x.match(/       /g)");
  assertEquals(code("return /'/.test(a)"), "return / /.test(a)");
});

Deno.test("a division begins no expression", () => {
  assertEquals(code("a / b // c"), "a / b     ");
  assertEquals(code("(a) / 2 + '/'"), "(a) / 2 + ' '");
});

Deno.test("lines and columns stay where they are, Windows line ends included", () => {
  const file = sourceFile("a.ts", "/** x\r\n */\r\nlet a = `1\r\n2`;\r\n");
  assertEquals(file.lines, ["/** x", " */", "let a = `1", "2`;"]);
  assertEquals(file.codeLines[2], "let a = ` ");
  assertEquals(file.codeLines[3], " `;");
});
