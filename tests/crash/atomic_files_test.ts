/**
 * The files that are replaced as a whole – configuration, ACL file, AOF manifest – on a disk that
 * crashes or fails at every call: the old or the new content stands there, and no temporary file,
 * which would hold hashes of passwords.
 */
import { assert, assertEquals } from "@std/assert";
import { AofManifest, writeManifest } from "../../src/persistence/aof_manifest.ts";
import { replaceFile } from "../../src/persistence/file_system.ts";
import { EmbeddedServer } from "../support/embedded_server.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { ALL_ERRNOS, SimulatedFiles } from "../support/simulated_files.ts";
import { fromLatin1, latin1 } from "../support/text.ts";

interface Kind {
  readonly name: string;
  readonly path: string;
  readonly old: string;
  /** Replaces the file; whether that succeeded. */
  readonly replace: (files: SimulatedFiles) => boolean;
}

const CONFIG_FILE = "/data/redeno.conf";
const ACL_FILE = "/data/users.acl";
const MANIFEST = "/data/appendonly.aof.manifest";

function runOn(files: SimulatedFiles, ...words: string[]): boolean {
  using server = new EmbeddedServer([["aclfile", ACL_FILE], ["loglevel", "warning"]], { files });
  server.server.config.configFile = CONFIG_FILE;
  server.run("CONFIG", "SET", "hz", "30");
  server.run("ACL", "SETUSER", "alice", "on", ">secret");
  return server.run(...words) === "OK";
}

function replaceManifest(files: SimulatedFiles): boolean {
  const manifest = new AofManifest();
  manifest.addBase("appendonly.aof", true);
  try {
    writeManifest(files, MANIFEST, manifest);
    return true;
  } catch {
    return false;
  }
}

const KINDS: readonly Kind[] = [
  {
    name: "CONFIG REWRITE",
    path: CONFIG_FILE,
    old: "# mine\nhz 20\n",
    replace: (files) => runOn(files, "CONFIG", "REWRITE"),
  },
  {
    name: "ACL SAVE",
    path: ACL_FILE,
    old: "user default on nopass ~* &* +@all\n",
    replace: (files) => runOn(files, "ACL", "SAVE"),
  },
  {
    name: "the manifest",
    path: MANIFEST,
    old: "file appendonly.aof.1.incr.aof seq 1 type i\n",
    replace: replaceManifest,
  },
];

/** A disk on which the old file stands, safely. */
function diskWith({ path, old }: Kind): SimulatedFiles {
  const files = new SimulatedFiles();
  replaceFile(files, path, latin1(old));
  return files;
}

for (const kind of KINDS) {
  Deno.test(`${kind.name}: after a crash at any call the old or the new file stands there`, () => {
    const files = diskWith(kind);
    const disks: SimulatedFiles[] = [];
    files.onCall = () => disks.push(files.snapshot());
    assert(kind.replace(files));
    files.onCall = null;
    const replaced = fromLatin1(files.content(kind.path));
    assert(replaced !== kind.old);
    disks.push(files.snapshot());
    const found = new Set<string>();
    for (const [index, disk] of disks.entries()) {
      const random = new SeededRandom(index);
      const fates = (["dropped", "torn", "zeroed", "garbled"] as const).map((fate) =>
        disk.afterPowerLoss(fate, random)
      );
      for (const after of [disk.afterKill(), ...fates]) {
        const content = fromLatin1(after.content(kind.path));
        assert(content === kind.old || content === replaced, `call ${index}: ${content}`);
        found.add(content);
      }
    }
    assertEquals(found.size, 2);
    const lasting = files.afterPowerLoss("dropped", new SeededRandom(1));
    assertEquals(fromLatin1(lasting.content(kind.path)), replaced, "what was answered lasts");
  });

  Deno.test(`${kind.name}: a disk that fails at any call leaves no temporary file`, () => {
    let calls = 0;
    for (const errno of ALL_ERRNOS) {
      for (let failing = 0;; failing++) {
        const files = diskWith(kind);
        const names = files.paths();
        const first = files.callCount;
        files.failure = (name, _path, call) =>
          name !== "close" && call === first + failing ? errno : null;
        const isReplaced = kind.replace(files);
        const isBeyond = files.callCount <= first + failing;
        files.failure = null;
        const content = fromLatin1(files.content(kind.path));
        if (isReplaced) assert(content !== kind.old, `${errno} at ${failing}`);
        assertEquals(files.paths(), names, `${errno} at call ${failing}`);
        if (isBeyond) break;
        calls++;
      }
    }
    assert(calls >= ALL_ERRNOS.length * 5, `only ${calls} calls`);
  });
}
