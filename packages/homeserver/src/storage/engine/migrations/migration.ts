/** One step of the schema. Steps only go forward and are the same on both engines. */
export interface Migration {
  /** Counts from 1 without gaps. */
  readonly version: number;
  readonly name: string;
  /** The oldest schema version whose program can still work with the result. */
  readonly oldestCompatible: number;
  /** Written with the types INTEGER, TEXT and BLOB, which each engine maps to its own. */
  readonly statements: readonly (string | PerEngine)[];
}

/** The few things that the engines do each in their own way: the indexes of texts. */
export interface PerEngine {
  readonly sqlite: readonly string[];
  readonly postgres: readonly string[];
}
