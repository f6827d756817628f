/** Limits of hashes: beyond these a hash is no listpack any more, whether its fields expire or not. */
export interface HashLimits {
  /** Fields (config hash-max-listpack-entries). */
  listpackEntriesMax: number;
  /** Bytes of a field or a value (config hash-max-listpack-value). */
  listpackValueBytesMax: number;
}
