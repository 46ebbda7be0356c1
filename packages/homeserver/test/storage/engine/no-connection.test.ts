import { expect, test } from 'vitest';
import { openDatabase } from '../../../src/storage/engine/open.ts';
import { postgresAt } from '../engines.ts';

test('a PostgreSQL that is not there: why, and where its address stands, without the password', async () => {
  const failure = openDatabase(postgresAt('postgres://hearth:secret@127.0.0.1:1/hearth')).catch(
    ({ message }) => message,
  );
  expect(await failure).toBe(
    'cannot connect to PostgreSQL: connect ECONNREFUSED 127.0.0.1:1; check database.url or HEARTH_DATABASE_URL',
  );
});
