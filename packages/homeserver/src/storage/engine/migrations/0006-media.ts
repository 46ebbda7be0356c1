import type { Migration } from './migration.ts';

/** The content repository. Contents lie outside the database, each under its hash. */
export const media: Migration = {
  version: 6,
  name: 'media',
  oldestCompatible: 1,
  statements: [
    // One row for each mxc URI; `hash` is null until there is content, `expires` says until when it may come.
    // Ids that are never used expire; copies of remote media and images of previews go when nobody has read them for long.
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
    // Thumbnails belong to a content, whatever URIs it has; they go with it. Sizes are of a bounded set.
    `CREATE TABLE media_thumbnails (
      source BLOB NOT NULL,
      variant TEXT NOT NULL,
      hash BLOB NOT NULL,
      bytes INTEGER NOT NULL,
      content_type TEXT NOT NULL,
      PRIMARY KEY (source, variant)
    ) WITHOUT ROWID`,
    'CREATE INDEX media_thumbnails_by_hash ON media_thumbnails (hash)',
    // Only so many are kept, and each only for a while.
    `CREATE TABLE url_previews (
      url TEXT PRIMARY KEY,
      json TEXT NOT NULL,
      fetched INTEGER NOT NULL
    ) WITHOUT ROWID`,
    'CREATE INDEX url_previews_fetched ON url_previews (fetched)',
  ],
};
