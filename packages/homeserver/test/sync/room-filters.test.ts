import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../../../../tests/support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server.close();
  expect(server.faults).toEqual([]);
});

test.each([
  ['all parts of the excluded room', (rooms: string[]) => ({ room: { rooms } }), []],
  ['account data of the excluded room', (rooms: string[]) => ({ room: { account_data: { rooms } } }), ['ephemeral']],
  [
    'receipts and typing users of the excluded room',
    (rooms: string[]) => ({ room: { ephemeral: { rooms } } }),
    ['account_data'],
  ],
])('a filter leaves out %s', async (_, filterOf, rest) => {
  const alice = await server.user();
  const [wanted, other] = [await alice.createRoom(), await alice.createRoom()];
  const filter = JSON.stringify({ ...filterOf([wanted]) });
  const first = await alice.sync({ filter });
  const change = async (room: string) => {
    await alice.put(`/user/${alice.userId}/rooms/${room}/account_data/org.example.note`, { room });
    await alice.put(`/rooms/${room}/typing/${alice.userId}`, { typing: true, timeout: 20_000 });
  };
  for (const room of [wanted, other]) await change(room);
  const parts = async (since?: string) => {
    const { rooms } = await alice.sync({ filter, ...(since === undefined ? {} : { since }) });
    const names = (room: string) =>
      (['account_data', 'ephemeral'] as const).filter((name) => (rooms?.join?.[room]?.[name]?.events.length ?? 0) > 0);
    return [names(wanted), names(other)];
  };
  for (const since of [undefined, first.next_batch])
    expect(await parts(since)).toEqual([['account_data', 'ephemeral'], rest]);
});
