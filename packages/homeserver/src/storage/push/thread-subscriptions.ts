import { type Database, sql, type Write, write } from '../engine/database.ts';

const select = sql(
  'SELECT is_subscribed, is_automatic, position FROM thread_subscriptions WHERE user_num = ? AND room = ? AND root = ?',
);
const selectFollowed = sql(
  'SELECT root FROM thread_subscriptions WHERE user_num = ? AND room = ? AND is_subscribed = 1 AND root IN @list',
);
const selectLatest = sql(
  `SELECT room, root, is_subscribed, is_automatic, position FROM thread_subscriptions
   WHERE user_num = ? AND position > ? AND position <= ? ORDER BY position DESC LIMIT ?`,
);
const count = sql('SELECT count(*) AS count FROM thread_subscriptions WHERE user_num = ?');
const upsert = sql(
  `INSERT INTO thread_subscriptions (user_num, room, root, is_subscribed, is_automatic, position) VALUES (?, ?, ?, ?, ?, ?)
   ON CONFLICT (user_num, room, root) DO UPDATE SET is_subscribed = excluded.is_subscribed,
   is_automatic = excluded.is_automatic, position = excluded.position`,
);
const remove = sql('DELETE FROM thread_subscriptions WHERE user_num = ?');

/** A thread, identified by its room and its root. */
export interface ThreadKey {
  readonly user: number;
  readonly room: number;
  readonly root: number;
}

export interface ThreadSubscriptionRow {
  readonly is_subscribed: number;
  readonly is_automatic: number;
  /** The position of the change in the stream. */
  readonly position: number;
}

export function readThreadSubscription(
  database: Database,
  { user, room, root }: ThreadKey,
): Promise<ThreadSubscriptionRow | undefined> {
  return database.first<ThreadSubscriptionRow>(select, user, room, root);
}

/** Returns those of some threads of a room to which the user is subscribed, by their roots. */
export async function readFollowedThreads(
  database: Database,
  { user, room }: Omit<ThreadKey, 'root'>,
  roots: readonly number[],
): Promise<ReadonlySet<number>> {
  if (roots.length === 0) return new Set();
  const rows = await database.all<{ root: number }>(selectFollowed, user, room, roots);
  return new Set(rows.map(({ root }) => root));
}

/** A change of a user's subscription to a thread. */
export type ThreadSubscriptionChange = ThreadSubscriptionRow & Omit<ThreadKey, 'user'>;

/** Returns the user's changes after one position and up to another, the latest first. */
export function readThreadSubscriptionChanges(
  database: Database,
  user: number,
  range: { readonly after: number; readonly upTo: number },
  limit: number,
): Promise<ThreadSubscriptionChange[]> {
  return database.all<ThreadSubscriptionChange>(selectLatest, user, range.after, range.upTo, limit);
}

export async function countThreadSubscriptions(database: Database, user: number): Promise<number> {
  return Number((await database.first<{ count: number }>(count, user))?.count ?? 0);
}

export function putThreadSubscription({ user, room, root }: ThreadKey, row: ThreadSubscriptionRow): Write {
  return write(upsert, user, room, root, row.is_subscribed, row.is_automatic, row.position);
}

export function deleteThreadSubscriptions(user: number): Write {
  return write(remove, user);
}
