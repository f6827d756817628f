/**
 * Certificates for tests of TLS, made by openssl: an authority, a server and a client that it
 * vouches for, and a stranger who vouches for himself.
 *
 * The server's names are localhost and 127.0.0.1. Keys are of elliptic curves, which are made in no
 * time.
 */
import { join } from "@std/path";
import { runTool } from "./tool_availability.ts";

const PASSPHRASE = "correct horse";
const EXTENSIONS = [
  "basicConstraints=CA:FALSE",
  "subjectAltName=DNS:localhost,IP:127.0.0.1",
  "extendedKeyUsage=serverAuth,clientAuth",
];
const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** The files of one directory, by absolute path. */
export class Certificates implements AsyncDisposable {
  readonly passphrase = PASSPHRASE;

  private constructor(readonly directory: string) {}

  /** Makes all of them in a directory of their own, which goes when this is disposed of. */
  static async create(): Promise<Certificates> {
    const directory = await Deno.makeTempDir({ prefix: "redeno_tls_" });
    const made = new Certificates(directory);
    await made.#selfSign("ca", ["basicConstraints=critical,CA:TRUE"]);
    await made.issue("server");
    await made.issue("client");
    await made.#selfSign("stranger", EXTENSIONS);
    const args = ["-aes256", "-passout", `pass:${PASSPHRASE}`];
    await made.#openssl("pkey", ...args, "-in", "server.key", "-out", "server_encrypted.key");
    return made;
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  text(name: string): string {
    return Deno.readTextFileSync(this.path(name));
  }

  /**
   * `NAME.crt` and `NAME.key`, signed by the authority; an older pair of that name is replaced. Of
   * X.509 version 1 there are certificates without extensions only.
   */
  async issue(name: string, { version = 3 }: { version?: 1 | 3 } = {}): Promise<void> {
    const request = ["-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`];
    await this.#openssl("req", ...NEW_KEY, ...request);
    await Deno.writeTextFile(this.path("extensions"), EXTENSIONS.join("\n"));
    const authority = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2"];
    const files = ["-in", `${name}.csr`, "-out", `${name}.crt`];
    if (version === 3) files.push("-extfile", "extensions");
    await this.#openssl("x509", "-req", ...authority, ...files);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.directory, { recursive: true });
  }

  async #selfSign(name: string, extensions: readonly string[]): Promise<void> {
    const files = ["-keyout", `${name}.key`, "-out", `${name}.crt`, "-subj", `/CN=${name}`];
    const added = extensions.flatMap((one) => ["-addext", one]);
    await this.#openssl("req", "-x509", ...NEW_KEY, ...files, "-days", "2", ...added);
  }

  async #openssl(...args: string[]): Promise<void> {
    await runTool("openssl", args, { cwd: this.directory });
  }
}
