import type { Migration } from './migration.ts';

/** Stores how far application services have got the events of the server. */
export const applicationServices: Migration = {
  version: 26,
  name: 'application services',
  oldestCompatible: 24,
  statements: [
    `CREATE TABLE application_service_queues (
      service TEXT PRIMARY KEY, position INTEGER NOT NULL, txn INTEGER NOT NULL, body TEXT)`,
  ],
};
