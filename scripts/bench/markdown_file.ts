/** Writes pages that are made from results, laid out as `deno fmt` wants them. */

import { fromFileUrl } from "@std/path";
import { runTool } from "../../tests/support/tool_availability.ts";

/** Writes a page; the check of formatting finds nothing to say about it. */
export async function writeMarkdown(path: string, text: string): Promise<void> {
  await Deno.writeTextFile(path, text);
  const config = fromFileUrl(new URL("../../deno.json", import.meta.url));
  await runTool(Deno.execPath(), ["fmt", "--quiet", "--config", config, path]);
}
