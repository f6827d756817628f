/**
 * OOM score: how willing the kernel of Linux is to kill this process when the machine runs out of
 * memory (`oom-score-adj`, `oom-score-adj-values`).
 *
 * The kernel takes a number from -1000 (never) to 1000 (first) in a file below /proc. Of the three
 * values the first is a master's and the second a replica's; the third is not used, for the child
 * that saves is a thread of this process.
 */
import type { Log } from "../base/log.ts";
import { type Config, systemErrorText } from "../config/config.ts";
import type { ConfigValues } from "../config/config_values.ts";
import type { ReplicationState } from "../replication/replication_state.ts";
import { readKernelFile, writeKernelFile } from "./kernel_file.ts";

const PATH = "/proc/self/oom_score_adj";
const FAILURE = "Failed to apply new oom_score_adj configuration, check server logs.";
const SCORE_MIN = -1000;
const SCORE_MAX = 1000;

export class OomScore {
  readonly #log: Pick<Log, "warning">;
  readonly #path: string;
  /** The score before we changed it; null if we have not. */
  #base: number | null = null;

  /** `path` is the kernel's file; a test may put another in its place. */
  constructor(log: Pick<Log, "warning">, path = PATH) {
    this.#log = log;
    this.#path = path;
  }

  /**
   * Applies the configuration now and after each change, of the configuration or of the role; what
   * is impossible is logged.
   */
  follow(config: Config, role: RoleView): void {
    this.apply(config, role.isReplica);
    config.onChange(["oom-score-adj", "oom-score-adj-values"], (values) => {
      return this.apply(values, role.isReplica) ? null : FAILURE;
    });
    role.onRoleChange(() => this.apply(config, role.isReplica));
  }

  /** Gives the kernel the score that is wanted, or the first one back. False if that fails. */
  apply({ oomScoreAdj, oomScoreAdjValues }: OomScoreValues, isReplica: boolean): boolean {
    if (oomScoreAdj === "no") {
      const base = this.#base;
      this.#base = null;
      return base === null || this.#write(base);
    }
    if (this.#base === null && !this.#readBase()) return false;
    const value = oomScoreAdjValues[isReplica ? 1 : 0]!;
    const score = oomScoreAdj === "absolute" ? value : this.#base! + value;
    return this.#write(Math.min(SCORE_MAX, Math.max(SCORE_MIN, score)));
  }

  #readBase(): boolean {
    try {
      this.#base = parseInt(readKernelFile(this.#path));
      return true;
    } catch (error) {
      this.#log.warning(`Reading oom_score_adj failed: ${systemErrorText(error)}`);
      return false;
    }
  }

  #write(score: number): boolean {
    try {
      writeKernelFile(this.#path, `${score}\n`);
      return true;
    } catch (error) {
      this.#log.warning(`Writing oom_score_adj failed: ${systemErrorText(error)}`);
      return false;
    }
  }
}

type RoleView = Pick<ReplicationState, "isReplica" | "onRoleChange">;
type OomScoreValues = Pick<ConfigValues, "oomScoreAdj" | "oomScoreAdjValues">;
