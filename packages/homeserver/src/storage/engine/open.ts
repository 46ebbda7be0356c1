import { mkdirSync } from 'node:fs';
import { createPrivateFile, databasePath } from './data-folder/private-files.ts';
import { unusable } from './data-folder/unusable-file.ts';
import type { Database } from './database.ts';
import { migrate } from './migrate.ts';
import type { PostgresLocation } from './postgres/postgres-connect.ts';
import { SqliteDatabase } from './sqlite/sqlite.ts';
import { openForWriting } from './sqlite/sqlite-connection.ts';

/** The location of the embedded database, or of a PostgreSQL database. */
export type DatabaseLocation = { readonly dataDir: string } | PostgresLocation;

/** Opens the database and applies the missing migrations. @throws OperatorError when it cannot be used */
export async function openDatabase(location: DatabaseLocation): Promise<Database> {
  if ('url' in location) {
    const { openPostgres } = await import('./postgres/postgres-connect.ts');
    return openPostgres(location);
  }
  mkdirSync(location.dataDir, { recursive: true, mode: 0o700 });
  return openSqlite(databasePath(location.dataDir));
}

/** @throws OperatorError when the file cannot be used */
async function openSqlite(path: string): Promise<Database> {
  try {
    createPrivateFile(path);
    await migrateSqlite(path);
    return new SqliteDatabase(path);
  } catch (error) {
    throw unusable(path, error);
  }
}

async function migrateSqlite(path: string): Promise<void> {
  const connection = openForWriting(path);
  try {
    await migrate({
      dialect: 'sqlite',
      run: async (text) => connection.exec(text),
      versions: async () =>
        connection.prepare('SELECT version, oldest_compatible FROM schema_versions').all() as {
          version: number;
          oldest_compatible: number;
        }[],
    });
  } finally {
    connection.close();
  }
}
