import type { Migration } from './migration.ts';

/** The server that the database belongs to. */
export const server: Migration = {
  version: 4,
  name: 'server',
  oldestCompatible: 1,
  statements: ['CREATE TABLE server (key TEXT PRIMARY KEY, value TEXT NOT NULL)'],
};
