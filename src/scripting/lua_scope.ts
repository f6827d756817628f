/**
 * Scopes: which variable a name means, which variables are captured by inner functions, and which
 * are assigned after they were made. The limits are Lua 5.1's: 200 locals, 60 upvalues a function.
 */

export const LOCALS_MAX = 200;
export const UPVALUES_MAX = 60;

export interface LocalVariable {
  readonly name: string;
  /** Unique in the chunk: the emitted name is made of it. */
  readonly id: number;
  readonly owner: FunctionScope;
  /** An inner function uses it. */
  isCaptured: boolean;
  /** It gets a new value after its declaration. */
  isAssigned: boolean;
  /** Its first value is a function written there. */
  isFunction: boolean;
  isUsed: boolean;
  /** All expressions (lua_ast) whose value it gets, or null if it gets others too. */
  sources: object[] | null;
  /** It holds nothing but numbers, as its sources show. */
  isNumber: boolean;
}

/** One function while it is parsed, and what the emitter must know of it afterwards. */
export class FunctionScope {
  readonly parent: FunctionScope | null;
  /** Line of the word "function"; 0 for the chunk itself. */
  readonly line: number;
  readonly parameters: LocalVariable[] = [];
  isVararg = false;
  /** The body uses "..." itself. */
  usesVararg = false;
  /** Lua 5.1: a vararg function has a local "arg"; it is a table if "..." is not used. */
  argTable: LocalVariable | null = null;
  /** It calls something, so that it may recurse. */
  hasCalls = false;
  /** Loops around the place that is parsed. */
  loopDepth = 0;
  readonly #active: LocalVariable[] = [];
  readonly #upvalues = new Set<LocalVariable>();

  constructor(parent: FunctionScope | null, line: number) {
    this.parent = parent;
    this.line = line;
  }

  /** Number of locals in sight: pass it to `close` at the end of the block. */
  open(): number {
    return this.#active.length;
  }

  close(mark: number): void {
    this.#active.length = mark;
  }

  /** Makes a variable that is not in sight yet. */
  create(name: string, id: number): LocalVariable {
    return {
      name,
      id,
      owner: this,
      isCaptured: false,
      isAssigned: false,
      isFunction: false,
      isUsed: false,
      sources: null,
      isNumber: false,
    };
  }

  /** Brings a variable in sight; false if there are too many. */
  activate(variable: LocalVariable): boolean {
    this.#active.push(variable);
    return this.#active.length <= LOCALS_MAX;
  }

  get activeCount(): number {
    return this.#active.length;
  }

  /**
   * The variable that a name means here, or null for a global. `overflow` is told the function that
   * would get too many upvalues.
   */
  resolve(name: string, overflow: (scope: FunctionScope) => never): LocalVariable | null {
    const active = this.#active;
    for (let i = active.length - 1; i >= 0; i--) {
      const variable = active[i]!;
      if (variable.name !== name) continue;
      variable.isUsed = true;
      return variable;
    }
    const outer = this.parent === null ? null : this.parent.resolve(name, overflow);
    if (outer === null) return null;
    outer.isCaptured = true;
    this.#upvalues.add(outer);
    if (this.#upvalues.size > UPVALUES_MAX) overflow(this);
    return outer;
  }
}
