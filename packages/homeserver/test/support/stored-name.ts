import type { Database } from '../../src/storage/engine/database.ts';
import type { Names } from '../../src/storage/engine/names.ts';

/** Returns the number of a string, which is stored. */
export async function storedName(database: Database, names: Names, text: string): Promise<number> {
  const num = await names.reserve(text);
  await database.commit(names.inserts(num));
  return num;
}
