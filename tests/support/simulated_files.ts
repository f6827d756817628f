/**
 * Simulated files: a disk in memory that behaves as badly as POSIX allows.
 *
 * Every file has two contents: what a reader sees, and what is safe (as of its last sync). Every
 * name has the same: creations, renames and removals last only after a sync of the directory.
 * `afterKill` and `afterPowerLoss` make the disk that the next process finds: the first keeps all
 * that a reader saw, the second loses, tears, zeroes or garbles what was not synced, and keeps any
 * selection of the changes of names that were not synced.
 *
 * Contents are never changed in place, so a snapshot is a copy of a few maps; `onCall` may take one
 * at every call.
 *
 * FAULTS. `failure` is asked before every call and may return an errno to throw; a failing write
 * may leave a part (`shortWriteBytes`). `capacityBytes` is the size of the disk: a write beyond it
 * fills it up and fails with ENOSPC, and goes well again once there is room. A sync that fails
 * loses what it should have written, as Linux does: later syncs do not bring it back.
 *
 * `syncData` and `syncDirectoryAside` are under way until `completeSyncs`, unless `syncsAtOnce`.
 */
import { dirname } from "@std/path";
import type { FileHandle, FileStatus, FileSystem } from "../../src/persistence/file_system.ts";
import type { SeededRandom } from "./seeded_random.ts";

/** Errors of the disk, worded as Deno words them. */
const ERRNO = {
  EPERM: [1, "Operation not permitted"],
  ENOENT: [2, "No such file or directory"],
  EIO: [5, "Input/output error"],
  EACCES: [13, "Permission denied"],
  EMFILE: [24, "Too many open files"],
  ENOSPC: [28, "No space left on device"],
  EROFS: [30, "Read-only file system"],
  EDQUOT: [122, "Disk quota exceeded"],
} as const;

export type Errno = keyof typeof ERRNO;

export const ALL_ERRNOS = Object.keys(ERRNO) as Errno[];

/** What a call is: the name of the method, without the path. */
export type CallName =
  | "openForRead"
  | "openForWrite"
  | "openForAppend"
  | "openForUpdate"
  | "rename"
  | "remove"
  | "stat"
  | "list"
  | "makeDirectory"
  | "syncDirectory"
  | "read"
  | "write"
  | "sync"
  | "syncData"
  | "syncDataDone"
  | "syncDirectoryDone"
  | "truncate"
  | "close";

/** How the unsynced part of a file comes out of a power loss. */
export type TailFate = "dropped" | "torn" | "zeroed" | "garbled";

const EMPTY: Uint8Array = new Uint8Array(0);

/** A file apart from its names. */
interface Inode {
  content: Uint8Array;
  /** Content as of the last sync. */
  safe: Uint8Array;
  /** Counts changes of `content`, and says which of them `safe` is. */
  version: number;
  safeVersion: number;
  /** Ranges that a failed sync has lost. */
  lost: readonly (readonly [start: number, end: number])[];
}

/** A change of names that a power loss may undo. */
interface NameChange {
  from: string | null;
  to: string | null;
  inode: number;
}

export function diskError(errno: Errno, path: string): Error {
  const [code, text] = ERRNO[errno];
  const message = `${text} (os error ${code}): '${path}'`;
  if (errno === "ENOENT") return new Deno.errors.NotFound(message);
  if (errno === "EACCES" || errno === "EPERM") return new Deno.errors.PermissionDenied(message);
  return new Error(message);
}

export class SimulatedFiles implements FileSystem {
  #inodes = new Map<number, Inode>();
  #names = new Map<string, number>();
  #safeNames = new Map<string, number>();
  #directories = new Set<string>(["/", "/data"]);
  #safeDirectories = new Set<string>(["/", "/data"]);
  #changes: NameChange[] = [];
  #nextInode = 1;
  #pendingSyncs: (() => void)[] = [];

  /** Calls made so far. */
  callCount = 0;
  /** Told of every call before it is carried out. */
  onCall: ((name: CallName, path: string) => void) | null = null;
  /** Told of a write when a part of it stands in the file. */
  onTornWrite: ((path: string) => void) | null = null;
  /** Asked before every call: an errno to throw, or null. */
  failure: ((name: CallName, path: string, call: number) => Errno | null) | null = null;
  /** Bytes of a failing write that get into the file all the same. */
  shortWriteBytes = 0;
  capacityBytes = Infinity;
  syncsAtOnce = false;

  // ------------------------------------------------------------------------ looking from outside

  /** Puts a file there, safe already. */
  put(path: string, content: Uint8Array): void {
    const inode = this.#createInode(content);
    this.#names.set(path, inode);
    this.#safeNames.set(path, inode);
    for (let at = dirname(path); !this.#safeDirectories.has(at); at = dirname(at)) {
      this.#directories.add(at);
      this.#safeDirectories.add(at);
    }
  }

  /** Content of a file as a reader sees it. */
  content(path: string): Uint8Array {
    return this.#find(path).content;
  }

  /** All files as a reader sees them. */
  paths(): string[] {
    return [...this.#names.keys()].sort();
  }

  /** Lets every `syncData` that is under way come to its end. */
  completeSyncs(): void {
    for (const complete of this.#pendingSyncs.splice(0)) complete();
  }

  get pendingSyncCount(): number {
    return this.#pendingSyncs.length;
  }

  /** The same disk, independent of this one; without faults and observers. */
  snapshot(): SimulatedFiles {
    const copy = new SimulatedFiles();
    copy.#inodes = new Map([...this.#inodes].map(([number, inode]) => [number, { ...inode }]));
    copy.#names = new Map(this.#names);
    copy.#safeNames = new Map(this.#safeNames);
    copy.#directories = new Set(this.#directories);
    copy.#safeDirectories = new Set(this.#safeDirectories);
    copy.#changes = [...this.#changes];
    copy.#nextInode = this.#nextInode;
    return copy;
  }

  /** What the next process finds after this one was killed. */
  afterKill(): SimulatedFiles {
    return this.snapshot();
  }

  /** What the next process finds after the power was cut. */
  afterPowerLoss(fate: TailFate, random: SeededRandom): SimulatedFiles {
    const after = this.snapshot();
    const names = new Map(this.#safeNames);
    for (const change of this.#changes) {
      const isKept = fate !== "dropped" && !random.oneIn(2);
      if (isKept) applyChange(names, change);
    }
    const directories = new Set(this.#safeDirectories);
    for (const path of this.#directories) {
      if (fate !== "dropped" && !random.oneIn(2)) directories.add(path);
    }
    for (const path of names.keys()) if (!directories.has(dirname(path))) names.delete(path);
    for (const inode of after.#inodes.values()) {
      inode.content = survivingContent(inode, fate, random);
      inode.safe = inode.content;
      inode.safeVersion = inode.version;
      inode.lost = [];
    }
    after.#names = names;
    after.#safeNames = new Map(names);
    after.#directories = directories;
    after.#safeDirectories = new Set(directories);
    after.#changes = [];
    return after;
  }

  // ---------------------------------------------------------------------------------- FileSystem

  openForRead(path: string): FileHandle {
    this.call("openForRead", path);
    return new SimulatedHandle(this, path, this.#find(path), 0);
  }

  openForWrite(path: string): FileHandle {
    this.call("openForWrite", path);
    this.#checkParent(path);
    const existing = this.#names.get(path);
    // An existing file is emptied: the same inode, whose safe content a power loss may bring back.
    const inode = existing === undefined ? this.#createFile(path) : this.#inodes.get(existing)!;
    setContent(inode, EMPTY);
    return new SimulatedHandle(this, path, inode, 0);
  }

  openForAppend(path: string): FileHandle {
    this.call("openForAppend", path);
    this.#checkParent(path);
    const existing = this.#names.get(path);
    const inode = existing === undefined ? this.#createFile(path) : this.#inodes.get(existing)!;
    return new SimulatedHandle(this, path, inode, inode.content.length);
  }

  openForUpdate(path: string): FileHandle {
    this.call("openForUpdate", path);
    return new SimulatedHandle(this, path, this.#find(path), 0);
  }

  rename(from: string, to: string): void {
    this.call("rename", to);
    const inode = this.#names.get(from);
    if (inode === undefined) throw diskError("ENOENT", from);
    this.#change({ from, to, inode });
  }

  remove(path: string): void {
    this.call("remove", path);
    const inode = this.#names.get(path);
    if (inode === undefined) throw diskError("ENOENT", path);
    this.#change({ from: path, to: null, inode });
  }

  removeAside(path: string): Promise<void> {
    try {
      this.remove(path);
      return Promise.resolve();
    } catch (error) {
      return Promise.reject(error);
    }
  }

  stat(path: string): FileStatus | null {
    this.call("stat", path);
    const inode = this.#names.get(path);
    if (inode !== undefined) {
      const bytes = this.#inodes.get(inode)!.content.length;
      return { isFile: true, isDirectory: false, bytes, mode: 0o600 };
    }
    if (!this.#directories.has(path)) return null;
    return { isFile: false, isDirectory: true, bytes: 0, mode: 0o700 };
  }

  list(directory: string): string[] {
    this.call("list", directory);
    if (!this.#directories.has(directory)) throw diskError("ENOENT", directory);
    return this.paths().filter((path) => dirname(path) === directory)
      .map((path) => path.slice(directory.length + 1));
  }

  makeDirectory(path: string): void {
    this.call("makeDirectory", path);
    this.#directories.add(path);
  }

  syncDirectory(path: string): void {
    this.call("syncDirectory", path);
    this.#makeNamesSafe(path, new Set(this.#changes));
  }

  syncDirectoryAside(path: string): Promise<void> {
    try {
      this.call("syncDirectory", path);
    } catch (error) {
      return Promise.reject(error);
    }
    // What comes after the call need not be in it.
    const changes = new Set(this.#changes);
    return new Promise((resolve) => {
      this.addPendingSync(() => {
        this.onCall?.("syncDirectoryDone", path);
        this.#makeNamesSafe(path, changes);
        resolve();
      });
    });
  }

  #makeNamesSafe(path: string, changes: ReadonlySet<NameChange>): void {
    const concerns = (name: string | null) => name !== null && dirname(name) === path;
    this.#changes = this.#changes.filter((change) => {
      const isMeant = changes.has(change) && (concerns(change.from) || concerns(change.to));
      if (isMeant) applyChange(this.#safeNames, change);
      return !isMeant;
    });
    for (const child of this.#directories) {
      if (dirname(child) === path) this.#safeDirectories.add(child);
    }
  }

  // -------------------------------------------------------------------------- called by handles

  /** Counts a call, tells of it, and fails it if it is to fail. */
  call(name: CallName, path: string): void {
    this.onCall?.(name, path);
    const errno = this.failure?.(name, path, this.callCount) ?? null;
    this.callCount++;
    if (errno !== null) throw diskError(errno, path);
  }

  /** Bytes that still fit onto the disk. */
  get roomBytes(): number {
    if (this.capacityBytes === Infinity) return Infinity;
    const used = new Set(this.#names.values());
    let bytes = 0;
    for (const inode of used) bytes += this.#inodes.get(inode)!.content.length;
    return Math.max(0, this.capacityBytes - bytes);
  }

  addPendingSync(complete: () => void): void {
    if (this.syncsAtOnce) complete();
    else this.#pendingSyncs.push(complete);
  }

  #find(path: string): Inode {
    const inode = this.#names.get(path);
    if (inode === undefined) throw diskError("ENOENT", path);
    return this.#inodes.get(inode)!;
  }

  #checkParent(path: string): void {
    if (!this.#directories.has(dirname(path))) throw diskError("ENOENT", path);
  }

  #createInode(content: Uint8Array): number {
    const inode = { content, safe: content, version: 0, safeVersion: 0, lost: [] };
    this.#inodes.set(this.#nextInode, inode);
    return this.#nextInode++;
  }

  #createFile(path: string): Inode {
    const inode = this.#createInode(EMPTY);
    this.#change({ from: null, to: path, inode });
    return this.#inodes.get(inode)!;
  }

  #change(change: NameChange): void {
    applyChange(this.#names, change);
    this.#changes.push(change);
  }
}

class SimulatedHandle implements FileHandle {
  #isClosed = false;
  #position: number;

  constructor(
    readonly files: SimulatedFiles,
    readonly path: string,
    readonly inode: Inode,
    position: number,
  ) {
    this.#position = position;
  }

  read(bytes: Uint8Array, start: number, length: number): number {
    this.#call("read");
    const piece = this.inode.content.subarray(this.#position, this.#position + length);
    bytes.set(piece, start);
    this.#position += piece.length;
    return piece.length;
  }

  write(bytes: Uint8Array, start: number, length: number): void {
    const all = bytes.slice(start, start + length);
    try {
      this.#call("write");
    } catch (error) {
      this.#put(all.subarray(0, this.files.shortWriteBytes));
      throw error;
    }
    if (this.files.onTornWrite !== null && length > 1) {
      const { content } = this.inode;
      const position = this.#position;
      this.#put(all.subarray(0, length >> 1));
      this.files.onTornWrite(this.path);
      setContent(this.inode, content);
      this.#position = position;
    }
    const { roomBytes } = this.files;
    this.#put(all.subarray(0, Math.min(length, roomBytes)));
    if (roomBytes < length) throw diskError("ENOSPC", this.path);
  }

  sync(): void {
    try {
      this.#call("sync");
    } catch (error) {
      this.#loseUnsynced();
      throw error;
    }
    makeSafe(this.inode, this.inode.content, this.inode.version);
  }

  syncData(): Promise<void> {
    const { content, version } = this.inode;
    try {
      this.#call("syncData");
    } catch (error) {
      this.#loseUnsynced();
      return Promise.reject(error);
    }
    return new Promise((resolve) => {
      this.files.addPendingSync(() => {
        this.files.onCall?.("syncDataDone", this.path);
        makeSafe(this.inode, content, version);
        resolve();
      });
    });
  }

  truncate(byteCount: number): void {
    this.#call("truncate");
    setContent(this.inode, this.inode.content.slice(0, byteCount));
    this.#position = byteCount;
  }

  seek(offset: number): void {
    this.#position = offset;
  }

  size(): number {
    return this.inode.content.length;
  }

  close(): void {
    if (this.#isClosed) throw new Error(`closed twice: ${this.path}`);
    this.#isClosed = true;
  }

  #call(name: CallName): void {
    if (this.#isClosed) throw new Error(`${name} of a closed file: ${this.path}`);
    this.files.call(name, this.path);
  }

  #put(piece: Uint8Array): void {
    const { content } = this.inode;
    const end = this.#position + piece.length;
    const bytes = new Uint8Array(Math.max(content.length, end));
    bytes.set(content);
    bytes.set(piece, this.#position);
    setContent(this.inode, bytes);
    this.#position = end;
  }

  /** The system gives up the pages that it could not write: they never reach the disk. */
  #loseUnsynced(): void {
    const { content, safe, lost } = this.inode;
    if (content.length > safe.length) {
      this.inode.lost = [...lost, [safe.length, content.length] as const];
    }
  }
}

function setContent(inode: Inode, content: Uint8Array): void {
  inode.content = content;
  inode.version++;
  if (inode.lost.length === 0) return;
  // What is cut off and written anew is not lost.
  const clipped = inode.lost.map(([start, end]) => [start, Math.min(end, content.length)] as const);
  inode.lost = clipped.filter(([start, end]) => start < end);
}

/** The disk has this content now, but for what is lost. */
function makeSafe(inode: Inode, content: Uint8Array, version: number): void {
  if (version < inode.safeVersion) return;
  let safe = content;
  if (inode.lost.length > 0) {
    safe = content.slice();
    for (const [start, end] of inode.lost) safe.fill(0, start, end);
  }
  inode.safe = safe;
  inode.safeVersion = version;
}

function applyChange(names: Map<string, number>, { from, to, inode }: NameChange): void {
  if (from !== null && names.get(from) === inode) names.delete(from);
  if (to !== null) names.set(to, inode);
}

function survivingContent(inode: Inode, fate: TailFate, random: SeededRandom): Uint8Array {
  const { content, safe } = inode;
  if (content === safe) return content;
  if (!startsWith(content, safe)) {
    // It was cut or written over: one state or the other.
    return fate === "dropped" || random.oneIn(2) ? safe : content;
  }
  if (fate === "dropped") return safe;
  const kept = random.between(safe.length, content.length);
  if (fate === "torn") return content.slice(0, kept);
  const after = content.slice();
  if (fate === "zeroed") after.fill(0, kept);
  else after.set(random.bytes(content.length - kept), kept);
  return after;
}

function startsWith(bytes: Uint8Array, start: Uint8Array): boolean {
  if (bytes.length < start.length) return false;
  for (let at = 0; at < start.length; at++) if (bytes[at] !== start[at]) return false;
  return true;
}
