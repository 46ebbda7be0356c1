import type { Statement } from '../database.ts';

/**
 * Renders a statement for PostgreSQL: `?` becomes `$1`, `$2` …, and lists become arrays. Many rows become one array for
 * each column.
 */
export function toPostgres({ text, columns }: Statement): string {
  if (columns !== undefined) {
    const arrays = columns.map((type, i) => `$${i + 1}::${type === 'integer' ? 'BIGINT' : 'TEXT'}[]`);
    return text.replace(/VALUES \([?, ]+\)/, `SELECT * FROM unnest(${arrays.join(', ')})`);
  }
  let count = 0;
  return text.replaceAll(/IN @list|IN @blobs|\?/g, (found) => {
    count += 1;
    return found === '?' ? `$${count}` : `= ANY($${count})`;
  });
}

/** Renders a statement of a migration with the types of PostgreSQL. */
export function toPostgresSchema(text: string): string {
  return text.replaceAll('INTEGER', 'BIGINT').replaceAll('BLOB', 'BYTEA').replaceAll(') WITHOUT ROWID', ')');
}
