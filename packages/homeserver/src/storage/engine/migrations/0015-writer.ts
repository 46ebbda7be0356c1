import type { Migration } from './migration.ts';

/** Says on PostgreSQL which process may write, and how many transactions it has committed (`postgres-writer.ts`). */
export const writer: Migration = {
  version: 15,
  name: 'the process that writes',
  oldestCompatible: 14,
  statements: [
    {
      sqlite: [],
      postgres: ['CREATE TABLE writer (slot INTEGER PRIMARY KEY, owner TEXT NOT NULL, sequence INTEGER NOT NULL)'],
    },
  ],
};
