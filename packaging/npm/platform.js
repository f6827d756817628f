/**
 * Finds the executable for this machine: npm installs one of the packages `@redeno/…`, the one
 * whose `os` and `cpu` fit, and none elsewhere.
 */
import { createRequire } from "node:module";
import process from "node:process";

/**
 * The path of the executable: REDENO_BINARY if it is set, else the one that npm has installed.
 * Throws an Error that says what is missing.
 */
export function executablePath() {
  const { REDENO_BINARY } = process.env;
  if (REDENO_BINARY) return REDENO_BINARY;
  const name = `@redeno/${process.platform}-${process.arch}`;
  const file = process.platform === "win32" ? "redeno.exe" : "redeno";
  try {
    return createRequire(import.meta.url).resolve(`${name}/${file}`);
  } catch (cause) {
    throw new Error(
      `Cannot find redeno for ${process.platform} on ${process.arch}: the package ${name} is not ` +
        "installed (is --omit=optional set?); REDENO_BINARY can name an executable",
      { cause },
    );
  }
}
