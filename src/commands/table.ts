/**
 * The command table: all families, concatenated.
 */
import type { RedisCommand } from "../server/command.ts";
import { connectionCommands } from "./connection_commands.ts";
import { transactionCommands } from "./transaction_commands.ts";

export const commandRows: readonly RedisCommand[] = [
  ...connectionCommands,
  ...transactionCommands,
];
