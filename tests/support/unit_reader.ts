/** Reads the bytes of a unit of effects back into commands. */
import { fromLatin1 } from "./text.ts";

/** The commands of a unit, each as its words; MULTI, EXEC and SELECT among them. */
export function commandsOf(bytes: Uint8Array, length: number): string[][] {
  const text = fromLatin1(bytes.subarray(0, length));
  const commands: string[][] = [];
  for (let at = 0; at < text.length;) {
    const lineEnd = text.indexOf("\r\n", at);
    const count = Number(text.slice(at + 1, lineEnd));
    at = lineEnd + 2;
    const words: string[] = [];
    for (let index = 0; index < count; index++) {
      const headerEnd = text.indexOf("\r\n", at);
      const end = headerEnd + 2 + Number(text.slice(at + 1, headerEnd));
      words.push(text.slice(headerEnd + 2, end));
      at = end + 2;
    }
    commands.push(words);
  }
  return commands;
}
