/** Value limits: until when values that are loaded keep their small encodings. */
import type { ConfigValues } from "../config/config_values.ts";
import { answersSince } from "../config/version.ts";
import type { EncodingLimits } from "../persistence/rdb_value_reader.ts";

/** The limits of the small encodings, as the configuration has them. */
export function encodingLimits(config: ConfigValues): EncodingLimits {
  return {
    hash: {
      listpackEntriesMax: config.hashMaxListpackEntries,
      listpackValueBytesMax: config.hashMaxListpackValue,
    },
    set: {
      intsetEntriesMax: config.setMaxIntsetEntries,
      listpackEntriesMax: answersSince(config, "7.2") ? config.setMaxListpackEntries : -1,
      listpackValueBytesMax: config.setMaxListpackValue,
    },
    sortedSet: {
      listpackEntriesMax: config.zsetMaxListpackEntries,
      listpackValueBytesMax: config.zsetMaxListpackValue,
    },
    listFill: config.listMaxListpackSize,
  };
}
