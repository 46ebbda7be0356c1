import type { Migration } from './migration.ts';

/** Indexes for queries that scanned whole tables. */
export const findableRows: Migration = {
  version: 13,
  name: 'indexes for rows that are looked for',
  oldestCompatible: 1,
  statements: [
    'CREATE INDEX rooms_published ON rooms (published) WHERE published = 1',
    'CREATE INDEX dehydrated_devices_of_device ON dehydrated_devices (device)',
    'CREATE INDEX openid_tokens_of_user ON openid_tokens (user_num)',
  ],
};
