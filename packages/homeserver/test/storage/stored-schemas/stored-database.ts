import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Known } from './content.ts';

export const FOLDER = join(import.meta.dirname, '../fixtures');

export type Dialect = 'sqlite' | 'postgres';
/** Bytes are written in hexadecimal digits. */
export type Cell = string | number | null | { readonly hex: string };

export interface Rows {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** The form of `content.json`: the rows of a used database, by table. */
export interface Content {
  readonly known: Known;
  readonly tables: Readonly<Record<string, Rows>>;
}

export const HEADER = /^-- schema (\d+): /m;

/** Returns the path of the statements that have built each schema on an engine. */
export function schemaFile(dialect: Dialect): string {
  return join(FOLDER, `schemas-${dialect}.sql`);
}

/** Returns the statements of each version as they were when the version appeared, the first version first. */
export function storedSchemas(dialect: Dialect): string[] {
  return readFileSync(schemaFile(dialect), 'utf8')
    .split(/^(?=-- schema )/m)
    .filter((section) => HEADER.test(section));
}

export function storedContent(): Content {
  // The file is written by write.ts.
  return JSON.parse(readFileSync(join(FOLDER, 'content.json'), 'utf8')) as Content;
}

/** Renders the statements that put those rows in for which the database has tables and columns. */
export function insertions(
  dialect: Dialect,
  columnsOf: ReadonlyMap<string, ReadonlySet<string>>,
  content: Content,
): string {
  const statements = Object.entries(content.tables).map(([table, { columns, rows }]) => {
    const there = columnsOf.get(table);
    if (there === undefined || rows.length === 0) return '';
    const kept = columns.flatMap((name, i) => (there.has(name) ? [i] : []));
    const tuples = rows.map((row) => `(${kept.map((i) => literal(dialect, row[i] ?? null)).join(', ')})`);
    return `INSERT INTO ${table} (${kept.map((i) => columns[i]).join(', ')}) VALUES ${tuples.join(', ')};`;
  });
  return statements.join('\n');
}

function literal(dialect: Dialect, cell: Cell): string {
  if (cell === null) return 'NULL';
  if (typeof cell === 'number') return String(cell);
  if (typeof cell === 'string') return `'${cell.replaceAll("'", "''")}'`;
  return dialect === 'sqlite' ? `x'${cell.hex}'` : `'\\x${cell.hex}'::bytea`;
}

/** Returns a value as it is compared: the engines differ in how they return integers and bytes. */
export function comparable(value: unknown): Cell {
  if (value === null || value === undefined) return null;
  if (value instanceof Uint8Array) return { hex: Buffer.from(value).toString('hex') };
  return typeof value === 'string' && !/^-?\d+$/.test(value) ? value : Number(value);
}
