import type { Migration } from './migration.ts';

/** The name of the server to which the database belongs. */
export const server: Migration = {
  version: 4,
  name: 'server',
  oldestCompatible: 1,
  statements: ['CREATE TABLE server (key TEXT PRIMARY KEY, value TEXT NOT NULL)'],
};
