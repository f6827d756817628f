/**
 * Keyspace: all databases, and what they share (keyspace_state.ts).
 */
import type { Arena } from "../memory/arena.ts";
import { Database } from "./database.ts";
import type { KeyspaceListener } from "./keyspace_listener.ts";
import { KeyspaceState } from "./keyspace_state.ts";

export class Keyspace extends KeyspaceState<Database> {
  readonly databases: Database[] = [];

  constructor(arena: Arena, databaseCount: number, listener: KeyspaceListener<Database>) {
    super(arena, listener);
    for (let index = 0; index < databaseCount; index++) {
      this.databases.push(new Database(this, index));
    }
  }
}
