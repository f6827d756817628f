/**
 * Absent commands: those of families that Redeno does not have yet. Their rows stand in the table
 * nevertheless, so that COMMAND describes them, ACL rules and files may name them and
 * `rename-command` may rename them; called, they answer with one clear error.
 */
import { type CommandError, commandError } from "../session/errors.ts";

/** The error for what is not there; `subject` with its verb: "Streams are", "Replication is". */
export function notAvailable(subject: string): CommandError {
  return commandError(`ERR ${subject} not available in this version of Redeno`);
}

/** A procedure that only answers so. */
export function answersNotAvailable(subject: string): () => void {
  const error = notAvailable(subject);
  return () => {
    throw error;
  };
}
