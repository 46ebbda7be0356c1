import { type Database, sql, type Write, write } from '../engine/database.ts';

const put = sql(
  'INSERT INTO invite_states (user_num, room, json) VALUES (?, ?, ?) ON CONFLICT (user_num, room) DO UPDATE SET json = excluded.json',
);
const readOfUser = sql('SELECT room, json FROM invite_states WHERE user_num = ? AND room IN @list');
const remove = sql('DELETE FROM invite_states WHERE user_num = ? AND room = ?');

/** Returns the write that stores the stripped state that came with an invite or knock, as the JSON text of a list. */
export function putInviteState(user: number, room: number, json: string): Write {
  return write(put, user, room, json);
}

export function removeInviteState(user: number, room: number): Write {
  return write(remove, user, room);
}

/** Returns the stripped states of a user's invites and knocks, by room. */
export async function readInviteStates(
  database: Database,
  user: number,
  rooms: readonly number[],
): Promise<ReadonlyMap<number, string>> {
  const rows = await database.all<{ room: number; json: string }>(readOfUser, user, rooms);
  return new Map(rows.map(({ room, json }) => [room, json]));
}
