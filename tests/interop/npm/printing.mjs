/** What the sessions of the newest npm clients have in common: they print one JSON line per call. */

/** Objects, maps and sets in order, so that both servers print the same. */
export function print(name, value) {
  const text = JSON.stringify([name, value], (_key, item) => {
    if (item instanceof Map || item instanceof Set) return [...item].sort();
    const isObject = item !== null && typeof item === "object" && !Array.isArray(item);
    return isObject ? Object.fromEntries(Object.entries(item).sort()) : item;
  });
  Deno.stdout.writeSync(new TextEncoder().encode(text + "\n"));
}

/** Prints what an action comes to, or its error. */
export async function show(name, action) {
  try {
    print(name, await action());
  } catch (error) {
    print(name, `${error.name}: ${error.message}`);
  }
}

/** Waits for something that the server will tell. */
export async function until(isSo) {
  while (!await isSo()) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** Runs all families of calls, by name. */
export async function runFamilies(families) {
  for (const [name, family] of Object.entries(families)) {
    print("==", name);
    await family();
  }
}
