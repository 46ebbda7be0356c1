import type { Migration } from './migration.ts';

/** The pushers of users, and the positions of background jobs. */
export const push: Migration = {
  version: 7,
  name: 'push',
  oldestCompatible: 1,
  statements: [
    // The position up to which each background job has processed the stream.
    'CREATE TABLE followers (name TEXT PRIMARY KEY, position INTEGER NOT NULL)',
    // Several accounts may share an app and push key. A pusher gets only events after `position`.
    `CREATE TABLE pushers (
      num INTEGER PRIMARY KEY,
      user_num INTEGER NOT NULL,
      app_id TEXT NOT NULL,
      pushkey TEXT NOT NULL,
      device INTEGER NOT NULL,
      kind TEXT NOT NULL,
      app_display_name TEXT NOT NULL,
      device_display_name TEXT NOT NULL,
      profile_tag TEXT,
      lang TEXT NOT NULL,
      data TEXT NOT NULL,
      set_ts INTEGER NOT NULL,
      position INTEGER NOT NULL,
      UNIQUE (user_num, app_id, pushkey)
    )`,
    'CREATE INDEX pushers_of_key ON pushers (app_id, pushkey)',
    'CREATE INDEX pushers_of_device ON pushers (device)',
    // The notifications that wait for delivery, a limited number for each pusher. `actions` is JSON.
    `CREATE TABLE push_queue (
      pusher INTEGER NOT NULL,
      event INTEGER NOT NULL,
      actions TEXT NOT NULL,
      PRIMARY KEY (pusher, event)
    ) WITHOUT ROWID`,
    // One row for each thread to which a user has subscribed, or from which the user has unsubscribed.
    `CREATE TABLE thread_subscriptions (
      user_num INTEGER NOT NULL,
      room INTEGER NOT NULL,
      root INTEGER NOT NULL,
      is_subscribed INTEGER NOT NULL,
      is_automatic INTEGER NOT NULL,
      position INTEGER NOT NULL,
      PRIMARY KEY (user_num, room, root)
    ) WITHOUT ROWID`,
  ],
};
