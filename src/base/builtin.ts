/**
 * Builtin: modules of node that the runtime has, loaded when they are first asked for. Together
 * they would take as long as half of the rest of the start, and a server without passwords and TLS
 * needs hardly any.
 */

type Builtin = typeof globalThis.process.getBuiltinModule;

/** The module of a name, such as "node:crypto". The first call takes some milliseconds. */
export const builtin = ((name: string) => {
  return globalThis.process.getBuiltinModule(name);
}) as Builtin;
