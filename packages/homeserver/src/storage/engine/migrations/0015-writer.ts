import type { Migration } from './migration.ts';

/** Stores on PostgreSQL the process that may write and the number of its transactions (`postgres-writer.ts`). */
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
