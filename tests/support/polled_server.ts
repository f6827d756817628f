/**
 * Polled server: an embedded server whose sockets can be served from inside of a running command.
 * What others send then is given beforehand, as a function for each round.
 */
import { Server } from "../../src/server/server.ts";
import { EmbeddedServer } from "./embedded_server.ts";

export class PolledServer extends EmbeddedServer {
  /** What happens in the rounds to come, one each; in those after the last, nothing. */
  readonly rounds: (() => void)[] = [];
  /** Rounds so far. */
  roundCount = 0;

  constructor(...args: ConstructorParameters<typeof EmbeddedServer>) {
    super(...args);
    const { server } = this;
    const pollOnce = () => {
      this.roundCount++;
      const round = this.rounds.shift();
      if (round !== undefined) server.dispatcher.interleave(round);
      return true;
    };
    Object.defineProperty(server, "sockets", { value: { pollOnce } satisfies Server["sockets"] });
  }
}
