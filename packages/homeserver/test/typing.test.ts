import { expect, test } from 'vitest';
import { startServer } from '../../../tests/support/server.ts';
import type { SyncReply } from '../../../tests/support/user.ts';

const FILTER = JSON.stringify({ room: { ephemeral: { types: ['m.typing'] } } });

test('a waiting request is told that nobody types any more when the server stops', async () => {
  const server = await startServer();
  const [alice, bob] = [await server.user(), await server.user()];
  const { room_id: room } = await alice.post<{ room_id: string }>('/createRoom', { preset: 'public_chat' });
  await bob.post(`/join/${room}`, {});
  await alice.put(`/rooms/${room}/typing/${alice.userId}`, { typing: true, timeout: 30_000 });
  const sync = (query: string) => bob.get<SyncReply>(`/sync?filter=${encodeURIComponent(FILTER)}&${query}`);
  const first = await sync('timeout=0');
  expect(typingIn(first, room)).toEqual([alice.userId]);
  const waiting = sync(`timeout=20000&since=${first.next_batch}`);
  // The request has arrived when a later request is answered.
  await bob.get('/account/whoami');
  await server.stop();
  expect(typingIn(await waiting, room)).toEqual([]);
  await server.close();
});

function typingIn(sync: SyncReply, room: string): unknown {
  return sync.rooms?.join?.[room]?.ephemeral.events[0]?.content.user_ids;
}
