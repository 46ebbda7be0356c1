import { existsSync } from 'node:fs';
import { databasePath } from '../data-folder/private-files.ts';
import { isSupported, latestVersion } from '../migrate.ts';
import { openReadOnly } from '../sqlite/sqlite-connection.ts';

/** The status of a database, which is read without opening the database for writing. */
export interface DatabaseStatus {
  /** The kind and version of the database, for operators. */
  readonly description: string;
  readonly schemaVersion: number;
  readonly supportedVersion: number;
  /** Whether this program can use the schema. */
  readonly isReadable: boolean;
}

const VERSIONS = 'SELECT version, oldest_compatible FROM schema_versions ORDER BY version DESC LIMIT 1';

/**
 * Reads the status of a database while a server may use it. Returns undefined if the embedded database does not exist
 * yet.
 * @throws Error when the database cannot be read
 */
export async function readDatabaseStatus(
  location: { readonly dataDir: string } | { readonly url: string },
): Promise<DatabaseStatus | undefined> {
  if ('url' in location) return statusOfPostgres(location.url);
  const path = databasePath(location.dataDir);
  if (!existsSync(path)) return undefined;
  const database = openReadOnly(path);
  try {
    const { version } = database.prepare('SELECT sqlite_version() AS version').get() ?? {};
    return statusOf(`SQLite ${String(version)}, ${path}`, database.prepare(VERSIONS).get());
  } finally {
    database.close();
  }
}

async function statusOfPostgres(url: string): Promise<DatabaseStatus> {
  const { readOnce } = await import('../postgres/read-once.ts');
  return readOnce(url, async (query) => {
    const [server] = await query('SHOW server_version');
    const [exists] = await query("SELECT to_regclass('schema_versions') IS NOT NULL AS yes");
    const [row] = exists?.yes === true ? await query(VERSIONS) : [];
    return statusOf(`PostgreSQL ${String(server?.server_version)}`, row);
  });
}

function statusOf(description: string, row: Record<string, unknown> | undefined): DatabaseStatus {
  const supportedVersion = latestVersion();
  const applied = { version: Number(row?.version ?? 0), oldest_compatible: Number(row?.oldest_compatible ?? 0) };
  const isReadable = isSupported(applied, supportedVersion);
  return { description, schemaVersion: applied.version, supportedVersion, isReadable };
}
