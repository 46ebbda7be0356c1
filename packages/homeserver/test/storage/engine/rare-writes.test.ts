import { expect, test } from 'vitest';
import { insertDevice, readDevice, setDeviceSeen } from '../../../src/storage/accounts/devices.ts';
import { sql, write } from '../../../src/storage/engine/database.ts';
import { RareWrites } from '../../../src/storage/engine/rare-writes.ts';
import { sqlite } from '../engines.ts';

const NUM = 7;
/** Refused by every engine: a device belongs to somebody. */
const wrong = sql('INSERT INTO devices (num) VALUES (1)');

test('the last value of a key is told at once, written with the next flush, and with too many by itself', async () => {
  const { database, end } = await sqlite.open();
  await database.commit(insertDevice({ num: NUM, user_num: 1, device_id: 'D', display_name: null, created: 0 }));
  const seen = new RareWrites<number, number>(database, (device, ts) => setDeviceSeen(device, ts, '192.0.2.1', null));
  const stored = async () => (await readDevice(database, 1, 'D'))?.seen_ts ?? null;
  seen.note(NUM, 10);
  seen.note(NUM, 20);
  expect([seen.of(NUM), await stored()]).toEqual([20, null]);
  await seen.flush();
  expect([seen.of(NUM), await stored()]).toEqual([undefined, 20]);
  seen.note(NUM, 30);
  for (let other = 0; other < 5_000; other++) seen.note(1_000 + other, 0);
  expect(seen.of(NUM)).toBeUndefined();
  await expect.poll(stored).toBe(30);
  await end();
});

test('a write that fails does not end the process of whoever only notes', async () => {
  const { database, end } = await sqlite.open();
  const seen = new RareWrites<number, number>(database, () => write(wrong));
  const unhandled: unknown[] = [];
  const listener = (error: unknown) => unhandled.push(error);
  process.on('unhandledRejection', listener);
  for (let device = 0; device <= 5_000; device++) seen.note(device, 0);
  seen.note(NUM, 10);
  await expect(seen.flush()).rejects.toThrow();
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', listener);
  expect(unhandled).toEqual([]);
  await end();
});
