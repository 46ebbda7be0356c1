import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  deleteClaimableKeysOfDevices,
  giveKeys,
  insertClaimableKeys,
  ONE_TIME,
  readGivenKeys,
  readKeyStock,
} from '../../../src/storage/encryption/claimable-keys.ts';
import { putDeviceListChange, readDeviceListChanges } from '../../../src/storage/encryption/device-lists.ts';
import {
  deleteExcessMessages,
  deleteOldToDeviceTransactions,
  deleteToDeviceMessages,
  insertToDeviceMessages,
  insertToDeviceTransaction,
  readExcessMessages,
  readToDeviceMessages,
} from '../../../src/storage/encryption/to-device.ts';
import { type Database, Fenced } from '../../../src/storage/engine/database.ts';
import {
  firstRowAfter,
  positionOfRow,
  ROWS_PER_CHANGE_MAX,
  rowNumber,
} from '../../../src/storage/engine/row-numbers.ts';
import { type Membership, MembershipStore } from '../../../src/storage/rooms/membership-store.ts';
import { engines } from '../engines.ts';

test('rows are numbered within the change that made them', () => {
  const last = rowNumber(7, ROWS_PER_CHANGE_MAX - 1);
  expect([positionOfRow(rowNumber(7, 0)), positionOfRow(last)]).toEqual([7, 7]);
  expect(firstRowAfter(7)).toBe(last + 1);
  expect(Number.isSafeInteger(rowNumber(2 ** 36, 5))).toBe(true);
});

describe.each(engines)('stores of encryption, on $name', (engine) => {
  let database: Database;
  let end: () => Promise<void>;
  beforeAll(async () => {
    ({ database, end } = await engine.open());
  });
  afterAll(() => end());

  const messages = (device: number, positions: readonly number[]) =>
    insertToDeviceMessages(
      positions.map((position) => rowNumber(position, device)),
      positions.map(() => device),
      positions.map((position) => `{"n":${position}}`),
      1_000,
    );
  const read = async (device: number, after = 0, upTo = 1_000, limit = 100) =>
    (await readToDeviceMessages(database, device, { after, upTo }, limit)).map(({ num }) => positionOfRow(num));

  test('messages are read in order, within a range and a limit, and removed up to a position', async () => {
    await database.commit([messages(1, [5, 3, 9]), messages(2, [4])]);
    expect(await read(1)).toEqual([3, 5, 9]);
    expect(await read(1, 3, 8)).toEqual([5]);
    expect(await read(1, 0, 1_000, 2)).toEqual([3, 5]);
    await database.commit([deleteToDeviceMessages(1, 5)]);
    expect([await read(1), await read(2)]).toEqual([[9], [4]]);
  });

  test('old messages of a device, and the oldest of too many, are excess', async () => {
    await database.commit([messages(10, [1, 2, 3, 4])]);
    const excess = (sinceTs: number, lengthMax: number) =>
      readExcessMessages(database, 10, { sinceTs, lengthMax }).then((found) => found?.count);
    expect([await excess(0, 28), await excess(0, 27), await excess(0, 14), await excess(1_001, 28)]).toEqual([
      undefined,
      1,
      2,
      4,
    ]);
    const found = await readExcessMessages(database, 10, { sinceTs: 0, lengthMax: 14 });
    if (found !== undefined) await database.commit([deleteExcessMessages(10, found)]);
    expect(await read(10)).toEqual([3, 4]);
  });

  test('a transaction id is taken once, until it is forgotten', async () => {
    const take = (ts: number) => database.commit([insertToDeviceTransaction(1, 'id', ts)]);
    await take(100);
    await expect(take(200)).rejects.toBeInstanceOf(Fenced);
    await database.commit([deleteOldToDeviceTransactions(100)]);
    await expect(take(200)).rejects.toBeInstanceOf(Fenced);
    await database.commit([deleteOldToDeviceTransactions(101)]);
    await take(200);
  });

  test('keys are given out forwards only, all of a transaction or none', async () => {
    const give = (...nums: [device: number, num: number][]) =>
      database.commit([giveKeys(nums.map(([device, num]) => ({ device, algorithm: 'a', num })))]);
    await give([20, 5], [21, 6]);
    await expect(give([20, 7], [21, 6])).rejects.toBeInstanceOf(Fenced);
    const given = await readGivenKeys(database, [20, 21]);
    expect(new Set(given.map(({ num }) => num))).toEqual(new Set([5, 6]));
    await give([20, 7], [21, 8]);
    await database.commit(deleteClaimableKeysOfDevices([20]));
    expect(await readGivenKeys(database, [20, 21])).toEqual([{ device: 21, algorithm: 'a', num: 8 }]);
  });

  test('many rows go in with one statement, odd texts and numbers as they are', async () => {
    const odd = ['', 'a\u{1F44D}', '"{}[],\\', "'; DROP TABLE x; --", 'NULL', '{a,b}'];
    const row = (i: number, json: string) => ({ num: 2 ** 50 + i, device: 30, kind: ONE_TIME, key_id: `a:${i}`, json });
    await database.commit([insertClaimableKeys(odd.map((json, i) => row(i, json)))]);
    const stock = await readKeyStock(database, [30]);
    expect(stock.map(({ num, key_id }) => [num, key_id])).toEqual(odd.map((_, i) => [2 ** 50 + i, `a:${i}`]));
  });

  test('the users who have joined or left since a position, and the members of some rooms', async () => {
    const memberships = new MembershipStore(database);
    const put = (user: number, room: number, membership: Membership, position: number) =>
      memberships.put({ user, room, membership, event: position - 5, position });
    await database.commit([
      put(1, 50, 'join', 10),
      put(2, 50, 'leave', 12),
      put(2, 51, 'join', 13),
      put(3, 52, 'join', 14),
    ]);
    const moved = async (after: number) => (await memberships.moved([50, 51], after)).map(({ position }) => position);
    expect(new Set(await moved(9))).toEqual(new Set([10, 12, 13]));
    expect(new Set(await moved(12))).toEqual(new Set([13]));
    expect(new Set(await memberships.joinedAny([1, 2, 3], [50, 51]))).toEqual(new Set([1, 2]));
    expect(await memberships.joinedAny([2], [50])).toEqual([]);
  });

  test('device lists are listed by their last change', async () => {
    await database.commit([putDeviceListChange(1, 10), putDeviceListChange(2, 11), putDeviceListChange(1, 12)]);
    expect(await readDeviceListChanges(database, 9, 11)).toEqual([2]);
    expect(new Set(await readDeviceListChanges(database, 10, 12))).toEqual(new Set([1, 2]));
    expect(await readDeviceListChanges(database, 12, 20)).toEqual([]);
  });
});
