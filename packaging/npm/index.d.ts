/** Types of the package `redeno`; index.js has the code. */

export interface StartServerOptions {
  /** TCP port on 127.0.0.1; 0, the default, is one that is free. */
  readonly port?: number;
  /** Where data files are read and written; if not given, a temporary one that goes at the end. */
  readonly directory?: string;
  /**
   * Directives of redis.conf by name: `{ appendonly: true, maxmemory: "64mb" }`; a list makes
   * several lines. What Redis has otherwise, but for the save points, of which there are none.
   */
  readonly config?: Readonly<Record<string, string | number | boolean | readonly string[]>>;
  /** Hears the log, line by line; if not given, nobody does. */
  readonly log?: (line: string) => void;
}

/**
 * A server process that runs until it is closed, until a client sends SHUTDOWN, or until this
 * process ends, by whatever signal.
 */
export interface RunningServer {
  readonly port: number;
  /** As clients take it: "redis://127.0.0.1:49152". */
  readonly url: string;
  readonly directory: string;
  readonly pid: number;
  /** Resolves when the process has ended and its temporary directory is gone. */
  readonly closed: Promise<void>;
  /**
   * Ends the server by SIGTERM, upon which it saves what is to be saved. (Windows has no such
   * signal: there the process just ends; send SHUTDOWN first if its last writes matter.)
   */
  close(): Promise<void>;
  /** As `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts a server and resolves when it serves; rejects with the end of its log if it cannot. */
export function startServer(options?: StartServerOptions): Promise<RunningServer>;

/** The path of the executable that npm has installed, or that REDENO_BINARY names. */
export function executablePath(): string;
