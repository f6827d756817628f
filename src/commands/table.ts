/**
 * The command table: all families, concatenated.
 */
import type { RedisCommand } from "../server/command.ts";
import { bitfieldCommands } from "./bitfield_commands.ts";
import { bitmapCommands } from "./bitmap_commands.ts";
import { configCommands } from "./config_commands.ts";
import { connectionCommands } from "./connection_commands.ts";
import { hashCommands } from "./hash_commands.ts";
import { setCommands } from "./set_commands.ts";
import { setAlgebraCommands } from "./set_algebra_commands.ts";
import { stringCommands } from "./string_commands.ts";
import { transactionCommands } from "./transaction_commands.ts";

export const commandRows: readonly RedisCommand[] = [
  ...bitfieldCommands,
  ...bitmapCommands,
  ...configCommands,
  ...connectionCommands,
  ...hashCommands,
  ...setCommands,
  ...setAlgebraCommands,
  ...stringCommands,
  ...transactionCommands,
];
