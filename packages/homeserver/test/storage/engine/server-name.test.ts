import { expect, test } from 'vitest';
import { claimServerName, OtherServerName } from '../../../src/storage/engine/server-name.ts';
import { sqlite } from '../engines.ts';

test('a database belongs to the first server name for good', async () => {
  const { database, end } = await sqlite.open();
  await claimServerName(database, 'one.test');
  await claimServerName(database, 'one.test');
  await expect(claimServerName(database, 'two.test')).rejects.toBeInstanceOf(OtherServerName);
  await end();
});
