/**
 * Packages of the Python index, installed into a directory that goes with the tests: for what no
 * distribution has in the version that is wanted.
 */

const INSTALL_TIMEOUT_MS = 90_000;
const installed = new Map<string, Promise<string | null>>();

/**
 * The directory (a PYTHONPATH) with these packages ("name==version"), without what they depend on;
 * null if they are not to be had. Installed when first asked for.
 */
export function pythonPackages(packages: readonly string[]): Promise<string | null> {
  const key = packages.join();
  if (!installed.has(key)) installed.set(key, install(packages));
  return installed.get(key)!;
}

async function install(packages: readonly string[]): Promise<string | null> {
  const target = await Deno.makeTempDir({ prefix: "redeno_python_" });
  globalThis.addEventListener("unload", () => Deno.removeSync(target, { recursive: true }));
  const args = ["-m", "pip", "install", "--quiet", "--no-deps", "--target", target, ...packages];
  try {
    const { success } = await new Deno.Command("python3", {
      args,
      stdout: "null",
      stderr: "null",
      signal: AbortSignal.timeout(INSTALL_TIMEOUT_MS),
    }).output();
    return success ? target : null;
  } catch {
    return null;
  }
}
