/**
 * ACL user: what a user may do, as state without behaviour. Rules change it (acl_rules.ts), checks
 * read it (acl_check.ts), ACL LIST words it (acl_description.ts).
 *
 * A user has a root selector and any number of further ones; a command is allowed if one of them
 * allows it as a whole: the command, all its keys, all its channels.
 *
 * Names, patterns and passwords are Latin-1 text: any bytes may stand in them.
 */

/** Permissions of a key pattern. */
export const KEY_READ = 1;
export const KEY_WRITE = 2;

export interface KeyPattern {
  text: string;
  bytes: Uint8Array;
  /** KEY_READ, KEY_WRITE, or both. */
  permissions: number;
}

export interface ChannelPattern {
  text: string;
  bytes: Uint8Array;
}

export class AclSelector {
  allowsAllCommands = false;
  allowsAllKeys = false;
  allowsAllChannels: boolean;
  /** `+@all` was the base: commands that do not exist yet are allowed, too. */
  allowsFutureCommands = false;
  /** By command id: 1 if the command is allowed, whatever its arguments. */
  readonly allowed: Uint8Array;
  /** By command id: first arguments with which a command is allowed that otherwise is not. */
  readonly firstArguments = new Map<number, string[]>();
  /**
   * The rules for commands since the last `+@all` or `-@all`, in their order and in lower case,
   * without those that a later rule has made void: "+@read", "-get".
   */
  commandRules: string[] = [];
  keyPatterns: KeyPattern[] = [];
  channelPatterns: ChannelPattern[] = [];

  constructor(commandCount: number, allowsAllChannels: boolean) {
    this.allowed = new Uint8Array(commandCount);
    this.allowsAllChannels = allowsAllChannels;
  }

  copy(): AclSelector {
    const copy = new AclSelector(this.allowed.length, this.allowsAllChannels);
    copy.allowsAllCommands = this.allowsAllCommands;
    copy.allowsAllKeys = this.allowsAllKeys;
    copy.allowsFutureCommands = this.allowsFutureCommands;
    copy.allowed.set(this.allowed);
    for (const [id, words] of this.firstArguments) copy.firstArguments.set(id, [...words]);
    copy.commandRules = [...this.commandRules];
    copy.keyPatterns = this.keyPatterns.map((pattern) => ({ ...pattern }));
    copy.channelPatterns = [...this.channelPatterns];
    return copy;
  }
}

/** Whether RESTORE payloads are checked thoroughly, as far as a rule has said so. */
export type PayloadCheck = "unsaid" | "sanitize-payload" | "skip-sanitize-payload";

export class AclUser {
  readonly name: string;
  isOn = false;
  /** `nopass`: any password is right. */
  hasNoPassword = false;
  /** SHA-256 of each password, 64 lower-case hexadecimal digits. */
  passwords: string[] = [];
  payloadCheck: PayloadCheck = "unsaid";
  root: AclSelector;
  selectors: AclSelector[] = [];

  constructor(name: string, commandCount: number, allowsAllChannels: boolean) {
    this.name = name;
    this.root = new AclSelector(commandCount, allowsAllChannels);
  }

  /** Whether nothing is forbidden, so that no command needs to be checked. */
  get isUnlimited(): boolean {
    const { allowsAllCommands, allowsAllKeys, allowsAllChannels } = this.root;
    return allowsAllCommands && allowsAllKeys && allowsAllChannels;
  }

  get allSelectors(): AclSelector[] {
    return [this.root, ...this.selectors];
  }

  /** Takes over all that another user may do. */
  assign(other: AclUser): void {
    this.isOn = other.isOn;
    this.hasNoPassword = other.hasNoPassword;
    this.passwords = [...other.passwords];
    this.payloadCheck = other.payloadCheck;
    this.root = other.root.copy();
    this.selectors = other.selectors.map((selector) => selector.copy());
  }

  copy(): AclUser {
    const copy = new AclUser(this.name, this.root.allowed.length, false);
    copy.assign(this);
    return copy;
  }
}
