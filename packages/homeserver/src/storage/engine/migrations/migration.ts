/** One step of the schema. Steps only go forward and are the same on both engines. */
export interface Migration {
  /** The number of the migration, counted from 1 without gaps. */
  readonly version: number;
  readonly name: string;
  /** The oldest schema version whose program can still use the result. */
  readonly oldestCompatible: number;
  /** Statements with the types INTEGER, TEXT and BLOB, which each engine maps to its own types. */
  readonly statements: readonly (string | PerEngine)[];
}

/** Statements that differ between the engines, such as those for text indexes. */
export interface PerEngine {
  readonly sqlite: readonly string[];
  readonly postgres: readonly string[];
}
