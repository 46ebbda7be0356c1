import type { Migration } from './migration.ts';

/** The content repository. The contents are outside the database, each named by its hash. */
export const media: Migration = {
  version: 6,
  name: 'media',
  oldestCompatible: 1,
  statements: [
    // One row for each mxc URI. `hash` is null until there is content, which must arrive before `expires`. Unused ids
    // expire. Copies of remote media and preview images are deleted when they were not read for a long time.
    `CREATE TABLE media (
      origin INTEGER NOT NULL,
      media_id TEXT NOT NULL,
      kind INTEGER NOT NULL,
      user_num INTEGER,
      hash BLOB,
      bytes INTEGER NOT NULL,
      content_type TEXT NOT NULL,
      file_name TEXT,
      created INTEGER NOT NULL,
      expires INTEGER,
      used INTEGER NOT NULL,
      needs_token INTEGER NOT NULL,
      quarantined INTEGER NOT NULL,
      PRIMARY KEY (origin, media_id)
    ) WITHOUT ROWID`,
    'CREATE INDEX media_by_hash ON media (hash) WHERE hash IS NOT NULL',
    'CREATE INDEX media_pending ON media (user_num, expires) WHERE expires IS NOT NULL',
    'CREATE INDEX media_copies ON media (kind, used) WHERE kind > 0',
    // Thumbnails belong to a content, not to a URI, and are deleted with it. Their sizes come from a limited set.
    `CREATE TABLE media_thumbnails (
      source BLOB NOT NULL,
      variant TEXT NOT NULL,
      hash BLOB NOT NULL,
      bytes INTEGER NOT NULL,
      content_type TEXT NOT NULL,
      PRIMARY KEY (source, variant)
    ) WITHOUT ROWID`,
    'CREATE INDEX media_thumbnails_by_hash ON media_thumbnails (hash)',
    // The number of previews and their age are limited.
    `CREATE TABLE url_previews (
      url TEXT PRIMARY KEY,
      json TEXT NOT NULL,
      fetched INTEGER NOT NULL
    ) WITHOUT ROWID`,
    'CREATE INDEX url_previews_fetched ON url_previews (fetched)',
  ],
};
