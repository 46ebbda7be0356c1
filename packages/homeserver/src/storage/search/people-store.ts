import { type Database, sql, type Write, write } from '../engine/database.ts';
import type { WantedGram } from './grams.ts';
import { matchText, textIndex } from './text-index.ts';

const index = textIndex('people_index');
const columns = 'p.user_num, n.text AS user_id, p.display_name, p.avatar_url';
const find = {
  sqlite: sql(
    `SELECT ${columns} FROM people_index i JOIN people p ON p.user_num = i.rowid JOIN names n ON n.num = p.user_num
     WHERE i.people_index MATCH ? ORDER BY i.rowid LIMIT ?`,
  ),
  postgres: sql(
    `SELECT ${columns} FROM people_index i JOIN people p ON p.user_num = i.num JOIN names n ON n.num = p.user_num
     WHERE i.grams @@ CAST(? AS tsquery) ORDER BY i.num LIMIT ?`,
  ),
};
const findVisible = {
  sqlite: sql(
    `SELECT ${columns} FROM people_index i JOIN people p ON p.user_num = i.rowid JOIN names n ON n.num = p.user_num
     WHERE i.people_index MATCH ? AND ${visible()} ORDER BY i.rowid LIMIT ?`,
  ),
  postgres: sql(
    `SELECT ${columns} FROM people_index i JOIN people p ON p.user_num = i.num JOIN names n ON n.num = p.user_num
     WHERE i.grams @@ CAST(? AS tsquery) AND ${visible()} ORDER BY i.num LIMIT ?`,
  ),
};
const upsert = sql(
  `INSERT INTO people (user_num, display_name, avatar_url) VALUES (?, ?, ?)
   ON CONFLICT (user_num) DO UPDATE SET display_name = excluded.display_name, avatar_url = excluded.avatar_url`,
);
const remove = sql('DELETE FROM people WHERE user_num = ?');
const setPublic = sql(
  'INSERT INTO open_rooms (room, is_public) VALUES (?, ?) ON CONFLICT (room) DO UPDATE SET is_public = excluded.is_public',
);
const setReadable = sql(
  'INSERT INTO open_rooms (room, is_readable) VALUES (?, ?) ON CONFLICT (room) DO UPDATE SET is_readable = excluded.is_readable',
);
const removeClosed = sql('DELETE FROM open_rooms WHERE is_public = 0 AND is_readable = 0');
const readUnlisted = sql(
  `SELECT a.user_num, n.text AS user_id FROM accounts a JOIN names n ON n.num = a.user_num
   LEFT JOIN people p ON p.user_num = a.user_num WHERE p.user_num IS NULL AND a.is_deactivated = 0 AND a.user_num > ? ORDER BY a.user_num LIMIT ?`,
);

const readUnlistedIn = sql(
  `SELECT m.user_num, n.text AS user_id FROM memberships m JOIN names n ON n.num = m.user_num
   LEFT JOIN people p ON p.user_num = m.user_num
   WHERE m.room = ? AND m.membership = 1 AND p.user_num IS NULL AND m.user_num > ? ORDER BY m.user_num LIMIT ?`,
);
const readOne = sql('SELECT user_num FROM people WHERE user_num = ?');

/**
 * Returns the condition for users who share a room with the searching user, or who are in a room whose members every
 * user can find. Searching users find themselves only in the second way.
 */
function visible(): string {
  return `EXISTS (SELECT 1 FROM memberships m LEFT JOIN open_rooms o ON o.room = m.room
    LEFT JOIN memberships mine ON mine.room = m.room AND mine.user_num = ? AND mine.membership = 1
    WHERE m.user_num = p.user_num AND m.membership = 1
    AND (mine.user_num <> p.user_num OR o.is_public = 1 OR o.is_readable = 1))`;
}

/** A user in the user directory, with the public display name and avatar. */
export interface PersonRow {
  readonly user_num: number;
  readonly user_id: string;
  readonly display_name: string | null;
  readonly avatar_url: string | null;
}

/** A user who is not in the index. */
export interface UnlistedUser {
  readonly user_num: number;
  readonly user_id: string;
}

/** The index of users by pieces of their names and ids, and the rooms whose members every user can find. */
export class PeopleStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  put({ user_num, user_id, display_name, avatar_url }: PersonRow): Write[] {
    const text = display_name === null ? user_id : `${user_id} ${display_name}`;
    return [write(upsert, user_num, display_name, avatar_url), index.put(this.#database.dialect, user_num, text)];
  }

  remove(user: number): Write[] {
    return [write(remove, user), index.remove(this.#database.dialect, [user])];
  }

  setPublic(room: number, isPublic: boolean): Write[] {
    return [write(setPublic, room, Number(isPublic)), write(removeClosed)];
  }

  setReadable(room: number, isReadable: boolean): Write[] {
    return [write(setReadable, room, Number(isReadable)), write(removeClosed)];
  }

  /** Returns the users with all of these pieces in name or id; with `asker` only those whom that user may find. */
  find(wanted: readonly WantedGram[], asker: number | undefined, limit: number): Promise<PersonRow[]> {
    const { dialect } = this.#database;
    const match = matchText(dialect, wanted);
    return asker === undefined
      ? this.#database.all<PersonRow>(find[dialect], match, limit)
      : this.#database.all<PersonRow>(findVisible[dialect], match, asker, limit);
  }

  /** Returns whether a user is in the index. */
  async has(user: number): Promise<boolean> {
    return (await this.#database.first(readOne, user)) !== undefined;
  }

  /** Returns joined users of a room with a number above `after` that are not in the index yet. */
  unlistedIn(room: number, after: number, limit: number): Promise<UnlistedUser[]> {
    return this.#database.all(readUnlistedIn, room, after, limit);
  }

  /** Returns accounts with a number above `after` that are not in the index yet. */
  unlisted(after: number, limit: number): Promise<UnlistedUser[]> {
    return this.#database.all(readUnlisted, after, limit);
  }
}
