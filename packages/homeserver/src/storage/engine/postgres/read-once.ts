import pg from 'pg';

const CONNECT_MS_MAX = 10_000;

/** A row of a result. */
type Row = Record<string, unknown>;

/** Connects to a PostgreSQL server, passes a function for queries to `read`, and disconnects. */
export async function readOnce<T>(
  url: string,
  read: (query: (text: string) => Promise<readonly Row[]>) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: CONNECT_MS_MAX });
  await client.connect();
  try {
    return await read(async (text) => (await client.query<Row>(text)).rows);
  } finally {
    await client.end();
  }
}
