/** Imports a type and nothing else: check_layers_test.ts proves that this counts as an import. */
import type { LogLevel } from "../../src/base/log.ts";

export const LEVEL: LogLevel = "notice";
