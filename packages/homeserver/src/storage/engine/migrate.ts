import { OperatorError } from '../../platform/operator-error.ts';
import type { Database } from './database.ts';
import { migrations } from './migrations/index.ts';
import type { Migration } from './migrations/migration.ts';

/** A row of `schema_versions`. */
export interface AppliedVersion {
  readonly version: number;
  readonly oldest_compatible: number;
}

/** The functions of an engine that migrations use: they run DDL, and read and write the table of applied versions. */
export interface MigrationConnection {
  readonly dialect: Database['dialect'];
  run(text: string): Promise<void>;
  versions(): Promise<readonly AppliedVersion[]>;
}

const VERSIONS_TABLE =
  'CREATE TABLE IF NOT EXISTS schema_versions (version INTEGER PRIMARY KEY, name TEXT NOT NULL, oldest_compatible INTEGER NOT NULL)';

/**
 * Applies the missing migrations, each in one transaction.
 * @throws OperatorError when a newer program has changed the database in an incompatible way
 */
export async function migrate(
  connection: MigrationConnection,
  known: readonly Migration[] = migrations,
): Promise<void> {
  await connection.run(VERSIONS_TABLE);
  const applied = await connection.versions();
  const ours = latestVersion(known);
  for (const row of applied) {
    if (!isSupported(row, ours)) {
      const { version } = row;
      throw new OperatorError(
        `the database has schema version ${version}, which this version of Hearth does not support (it supports up to ${ours}): install a newer version, or restore a backup`,
      );
    }
  }
  const done = new Set(applied.map(({ version }) => version));
  for (const migration of known) if (!done.has(migration.version)) await apply(connection, migration);
}

/** Returns the version of the schema that this program creates. */
export function latestVersion(known: readonly Migration[] = migrations): number {
  return known.at(-1)?.version ?? 0;
}

/** Returns whether a program with the latest version `ours` can use a database to which a version was applied. */
export function isSupported({ version, oldest_compatible }: AppliedVersion, ours: number): boolean {
  return version <= ours || oldest_compatible <= ours;
}

async function apply(
  connection: MigrationConnection,
  { version, name, oldestCompatible, statements }: Migration,
): Promise<void> {
  await connection.run('BEGIN');
  try {
    for (const statement of statements) {
      const texts = typeof statement === 'string' ? [statement] : statement[connection.dialect];
      for (const text of texts) await connection.run(text);
    }
    await connection.run(
      `INSERT INTO schema_versions (version, name, oldest_compatible) VALUES (${version}, '${name}', ${oldestCompatible})`,
    );
    await connection.run('COMMIT');
  } catch (error) {
    await connection.run('ROLLBACK');
    throw error;
  }
}
