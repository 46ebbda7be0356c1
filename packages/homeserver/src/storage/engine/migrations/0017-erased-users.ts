import type { Migration } from './migration.ts';

/** Adds the position at which a user was erased. Users who joined a room later see only redacted events of the user. */
export const erasedUsers: Migration = {
  version: 17,
  name: 'when users were erased',
  oldestCompatible: 15,
  statements: [
    'ALTER TABLE accounts ADD COLUMN erased_position INTEGER',
    'UPDATE accounts SET erased_position = 0 WHERE is_erased = 1',
    'CREATE INDEX accounts_erased ON accounts (erased_position) WHERE erased_position IS NOT NULL',
  ],
};
