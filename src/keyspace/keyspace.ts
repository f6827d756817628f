/**
 * Keyspace: all databases, and what they share (keyspace_state.ts).
 */
import type { Arena } from "../memory/arena.ts";
import { Database } from "./database.ts";
import type { KeyspaceListener } from "./keyspace_listener.ts";
import { KeyspaceState } from "./keyspace_state.ts";
import { Reclaimer } from "./reclaimer.ts";

export class Keyspace extends KeyspaceState<Database> {
  readonly databases: Database[] = [];

  /** `reclaimer` gives back what is deleted; one of its own unless given. */
  constructor(
    arena: Arena,
    databaseCount: number,
    listener: KeyspaceListener<Database>,
    reclaimer = new Reclaimer(arena),
  ) {
    super(arena, listener, reclaimer);
    for (let index = 0; index < databaseCount; index++) {
      this.databases.push(new Database(this, index));
    }
  }
}
