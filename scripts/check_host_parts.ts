/**
 * Host parts: a room reaches others through the host of a client without importing them, so the
 * order of imports alone does not prove the order of the rooms. Every part says by a declaration
 * where it belongs; here the uses are compared with that.
 */

/** The text of a file below src/. */
export interface Source {
  path: string;
  text: string;
}

const DECLARATION = /interface Host \{([^}]*)\}/g;
const MEMBER = /readonly (\w+):/g;
const USES: readonly RegExp[] = [
  // client.host.pubsub, this.#host.pubsub, host.pubsub
  /\bhost\.(\w+)/g,
  // Pick<Host, "log" | "pubsub">
  /Pick<\s*Host,\s*([^>]*)>/g,
  // const { log, pubsub } = this.#host
  /\{([^{}]*)\} = (?:this\.#|client\.)?host;/g,
  // ({ host: { log, pubsub } }: Client)
  /\bhost: \{([^{}]*)\}/g,
];

/** The file that declares each part of the host. */
function partFiles(sources: readonly Source[]): Map<string, string> {
  const files = new Map<string, string>();
  for (const { path, text } of sources) {
    const code = withoutComments(text);
    for (const [, members] of code.matchAll(DECLARATION)) {
      for (const [, part] of members!.matchAll(MEMBER)) files.set(part!, path);
    }
  }
  return files;
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/\/\/.*/g, "");
}

/** Uses of parts that stand above their user, as sentences. */
export function findHostReaches(
  sources: readonly Source[],
  mayImport: (from: string, to: string) => boolean,
): string[] {
  const files = partFiles(sources);
  const findings = new Set<string>();
  for (const { path, text } of sources) {
    const code = withoutComments(text);
    for (const use of USES) {
      for (const [, names] of code.matchAll(use)) {
        for (const [name] of names!.matchAll(/\w+/g)) {
          const file = files.get(name);
          if (file === undefined || mayImport(path, file)) continue;
          findings.add(`${path} reaches for host.${name}, which ${file} declares`);
        }
      }
    }
  }
  return [...findings];
}
