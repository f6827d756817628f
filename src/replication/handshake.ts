/**
 * Handshake: what a replica says to its master before data flows, and what it makes of the answers.
 *
 *   PING → AUTH, REPLCONF listening-port, ip-address, capa (sent at once) → PSYNC, or SYNC
 *
 * Text in, text out: it knows nothing of sockets, so that a test can play either side. A master
 * sends empty lines while it makes up its mind; they keep the connection alive and mean nothing.
 */
import { latin1Bytes } from "../base/bytes.ts";
import { encodeRequests } from "../protocol/request_encoder.ts";

/** What the replica has to say of itself. Texts are Latin-1, a character per byte. */
export interface HandshakeSettings {
  /** "": the master's default user. */
  readonly user: string;
  /** "": no AUTH. */
  readonly password: string;
  /** Where this server can be reached. */
  readonly listeningPort: number;
  /** An address to announce in place of the one the master sees; "": none. */
  readonly announcedAddress: string;
  /** The history that this server can go on with; null: none, all data are wanted. */
  readonly history: HistoryPoint | null;
  /** The master is asked to take over at once (FAILOVER). */
  readonly isFailover: boolean;
}

/** A place in the history of a data set. */
export interface HistoryPoint {
  readonly replicationId: string;
  /** Bytes of its stream that have been applied. */
  readonly offset: number;
}

/** How a handshake ends. */
export type HandshakeOutcome =
  /** The stream goes on where this server left it; the master may have changed its id. */
  | { kind: "continue"; replicationId: string | null }
  /** All data follow, as they are at this place of the master's history. */
  | { kind: "full"; start: HistoryPoint }
  /** All data follow, from a master too old to know PSYNC. */
  | { kind: "old" }
  /** Nothing comes of it; another try may go better. */
  | { kind: "refused"; reason: string };

/** What follows from a line: a request to send, a remark for the log, the end. */
export interface HandshakeStep {
  readonly send?: Uint8Array<ArrayBuffer>;
  readonly remark?: string;
  readonly outcome?: HandshakeOutcome;
}

type Question = "ping" | "auth" | "port" | "address" | "capa" | "psync";

/** Optional parts, as they are called in the log. */
const OPTIONAL: Partial<Record<Question, string>> = {
  port: "REPLCONF listening-port",
  address: "REPLCONF ip-address",
  capa: "REPLCONF capa",
};
/** A master that wants a password answers PING with one of these. */
const PASSWORD_WANTED = ["-NOAUTH", "-NOPERM", "-ERR operation not permitted"];
/** The master itself waits for something; it knows PSYNC. */
const NOT_YET = ["-NOMASTERLINK", "-LOADING"];
const ID_LENGTH = 40;

export class Handshake {
  readonly #settings: HandshakeSettings;
  /** Questions whose answers have not come, in order. */
  #open: Question[] = [];

  constructor(settings: HandshakeSettings) {
    this.#settings = settings;
  }

  /** What is sent first. */
  begin(): Uint8Array<ArrayBuffer> {
    this.#open = ["ping"];
    return request("PING");
  }

  /** Takes a line from the master, without its end. */
  take(line: string): HandshakeStep {
    const question = this.#open.shift();
    switch (question) {
      case "ping":
        return this.#takePong(line);
      case "auth":
        if (line.startsWith("-")) return refused(`it does not take our password: ${line.slice(1)}`);
        return this.#goOn();
      case "psync":
        return this.#takePsyncReply(line);
      case undefined:
        return refused(`an answer came that nobody asked for: '${line}'`);
    }
    const remark = line.startsWith("-")
      ? `The master does not know ${OPTIONAL[question]}, which is no harm: ${line.slice(1)}`
      : undefined;
    return { ...this.#goOn(), ...(remark === undefined ? {} : { remark }) };
  }

  #takePong(line: string): HandshakeStep {
    const isGood = line.startsWith("+") || PASSWORD_WANTED.some((text) => line.startsWith(text));
    if (!isGood) return refused(`it answers PING with '${line}'`);
    const { user, password, listeningPort, announcedAddress } = this.#settings;
    const requests: string[][] = [];
    if (password !== "") {
      requests.push(user === "" ? ["AUTH", password] : ["AUTH", user, password]);
      this.#open.push("auth");
    }
    requests.push(["REPLCONF", "listening-port", String(listeningPort)]);
    this.#open.push("port");
    if (announcedAddress !== "") {
      requests.push(["REPLCONF", "ip-address", announcedAddress]);
      this.#open.push("address");
    }
    requests.push(["REPLCONF", "capa", "eof", "capa", "psync2"]);
    this.#open.push("capa");
    return { send: encodeRequests(requests.map((words) => words.map(latin1Bytes))) };
  }

  /** Asks for the stream when all else is answered. */
  #goOn(): HandshakeStep {
    if (this.#open.length > 0) return {};
    this.#open = ["psync"];
    const { history, isFailover } = this.#settings;
    // The offset in the request is that of the first byte wanted.
    const place = history === null
      ? ["?", "-1"]
      : [history.replicationId, String(history.offset + 1)];
    return { send: request("PSYNC", ...place, ...(isFailover ? ["FAILOVER"] : [])) };
  }

  #takePsyncReply(line: string): HandshakeStep {
    if (line === "") {
      this.#open = ["psync"];
      return {};
    }
    const words = line.split(" ");
    if (words[0] === "+FULLRESYNC") return fullResync(line, words);
    if (words[0] === "+CONTINUE") {
      const id = words[1] ?? "";
      return { outcome: { kind: "continue", replicationId: id.length === ID_LENGTH ? id : null } };
    }
    if (NOT_YET.some((text) => line.startsWith(text))) {
      return refused(`it cannot serve replicas just now: ${line.slice(1)}`);
    }
    if (this.#settings.isFailover) return refused(`it does not take over: ${line.slice(1)}`);
    // A password that is missing is no reason to try an older request.
    if (PASSWORD_WANTED.some((text) => line.startsWith(text))) {
      return refused(`it does not let us have the data: ${line.slice(1)}`);
    }
    const remark = `The master does not know PSYNC, SYNC is tried instead: ${line}`;
    return { send: request("SYNC"), remark, outcome: { kind: "old" } };
  }
}

function fullResync(line: string, [, id = "", offsetText = ""]: readonly string[]): HandshakeStep {
  const offset = Number(offsetText);
  const isGood = id.length === ID_LENGTH && offsetText !== "" && Number.isSafeInteger(offset);
  if (!isGood) return refused(`its answer to PSYNC makes no sense: '${line}'`);
  return { outcome: { kind: "full", start: { replicationId: id, offset } } };
}

function refused(reason: string): HandshakeStep {
  return { outcome: { kind: "refused", reason } };
}

function request(...words: string[]): Uint8Array<ArrayBuffer> {
  return encodeRequests([words.map(latin1Bytes)]);
}
