/** What the clients of Sentinel do in a failover, whatever they call it. */

/**
 * Writes to the master and prints its port and how many replicas have that; then writes until
 * another one answers, and prints its port, what it has of the first write, and how the next went.
 */
export async function followFailover(name, { writeAndWait, port, get, set, incr }) {
  const print = (...values) => console.log(JSON.stringify(values));
  const confirmed = await writeAndWait(name, "written before");
  const first = await port();
  print(first, confirmed);
  let next = first;
  while (next === first) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    try {
      await incr(`${name}:count`);
      next = await port();
    } catch {
      // There is no master for the time being.
    }
  }
  print(next, await get(name), await set(name, "written after"));
}
