/** Circles of imports, found as the strongly connected parts of the graph (Tarjan's algorithm). */

/** One import: paths from the root with forward slashes, or a specifier such as "node:path". */
export interface Import {
  from: string;
  to: string;
}

/** A row of the command table names the client, and a client its command: one cannot be first. */
const ALLOWED = "src/session/client.ts src/session/command.ts";

/** The circles among the files, each with its files in order; the pair that is allowed is none. */
export function findCircles(imports: readonly Import[]): string[][] {
  const targets = new Map<string, Set<string>>();
  for (const { from, to } of imports) {
    if (!targets.has(from)) targets.set(from, new Set());
    targets.get(from)!.add(to);
  }
  const search = new CircleSearch(targets);
  for (const file of targets.keys()) search.visit(file);
  return search.circles.filter((circle) => circle.join(" ") !== ALLOWED);
}

class CircleSearch {
  readonly circles: string[][] = [];
  readonly #targets: ReadonlyMap<string, ReadonlySet<string>>;
  /** Order in which files were first seen, and the earliest that each leads back to. */
  readonly #indexes = new Map<string, number>();
  readonly #lowest = new Map<string, number>();
  readonly #open: string[] = [];

  constructor(targets: ReadonlyMap<string, ReadonlySet<string>>) {
    this.#targets = targets;
  }

  visit(file: string): void {
    if (this.#indexes.has(file)) return;
    const index = this.#indexes.size;
    this.#indexes.set(file, index);
    this.#lowest.set(file, index);
    this.#open.push(file);
    for (const target of this.#targets.get(file) ?? []) {
      this.visit(target);
      if (!this.#open.includes(target)) continue;
      this.#lowest.set(file, Math.min(this.#lowest.get(file)!, this.#lowest.get(target)!));
    }
    if (this.#lowest.get(file) !== index) return;
    const circle = this.#open.splice(this.#open.indexOf(file));
    if (circle.length > 1) this.circles.push(circle.sort());
  }
}
