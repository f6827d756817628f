/** Clients: all that are connected, by id, in the order of their arrival. */
import type { Client } from "./client.ts";

declare module "./host.ts" {
  interface Host {
    readonly clients: Clients;
  }
}

export class Clients extends Map<number, Client> {
  #nextId = 1;

  /** An id that no client has had. */
  takeId(): number {
    return this.#nextId++;
  }
}
