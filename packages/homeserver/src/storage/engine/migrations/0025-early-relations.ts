import type { Migration } from './migration.ts';

/** Stores relations to events that arrive later. */
export const earlyRelations: Migration = {
  version: 25,
  name: 'relations to later events',
  oldestCompatible: 24,
  statements: [
    // Events that are related to events which this server does not have.
    `CREATE TABLE early_relations (
      target BLOB NOT NULL, child INTEGER NOT NULL, PRIMARY KEY (target, child)
    ) WITHOUT ROWID`,
  ],
};
