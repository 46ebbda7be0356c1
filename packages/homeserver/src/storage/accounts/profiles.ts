import { type Database, sql, type Write, write } from '../engine/database.ts';

const select = sql('SELECT key_name, value FROM profile_fields WHERE user_num = ?');
const upsert = sql(
  `INSERT INTO profile_fields (user_num, key_name, value) VALUES (?, ?, ?)
   ON CONFLICT (user_num, key_name) DO UPDATE SET value = excluded.value`,
);
const remove = sql('DELETE FROM profile_fields WHERE user_num = ? AND key_name = ?');
const removeAll = sql('DELETE FROM profile_fields WHERE user_num = ?');

/** Returns the fields of a profile: key name to JSON text. */
export async function readProfile(database: Database, user: number): Promise<Map<string, string>> {
  const rows = await database.all<{ key_name: string; value: string }>(select, user);
  return new Map(rows.map((row) => [row.key_name, row.value]));
}

export function setProfileField(user: number, keyName: string, value: string): Write {
  return write(upsert, user, keyName, value);
}

export function deleteProfileField(user: number, keyName: string): Write {
  return write(remove, user, keyName);
}

export function deleteProfile(user: number): Write {
  return write(removeAll, user);
}
