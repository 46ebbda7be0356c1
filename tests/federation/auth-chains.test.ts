import { expect, test } from 'vitest';
import { asArray, asObject, asString, type JsonObject } from '../../packages/protocol/src/json/value.ts';
import { pathOf } from '../support/client.ts';
import { startFederatingServer } from '../support/federating-server.ts';
import { startPeer } from '../support/peer.ts';
import { RemoteServer } from '../support/remote-members.ts';

test('an invite from before a server came into a room has the same auth chain there as elsewhere', async () => {
  const [one, two] = [await startFederatingServer('127.0.0.2'), await startFederatingServer('127.0.0.3')];
  const peer = await startPeer(() => [200, { pdus: {} }]);
  const [asked, other] = [new RemoteServer(peer, one), new RemoteServer(peer, two)];
  const [alice, bob, carol] = [await one.user('alice'), await two.user('bob'), await two.user('carol')];
  const room = await alice.createRoom({ preset: 'public_chat', room_version: '10' });
  await alice.post(pathOf('rooms', room, 'invite'), { user_id: bob.userId });
  await expect.poll(async () => Object.keys((await bob.sync()).rooms?.invite ?? {})).toEqual([room]);
  await carol.post(pathOf('join', room), {}, { server_name: one.name });
  const member = pathOf('rooms', room, 'state', 'm.room.member', bob.userId);
  const invite = async () => asObject(await carol.get<JsonObject>(member, { format: 'event' }))?.event_id;
  const { event_id: eventId } = await alice.get<{ event_id: string }>(member, { format: 'event' });
  await expect.poll(invite, { timeout: 10_000 }).toBe(eventId);
  await asked.join(room, asked.user('dora'));
  await expect
    .poll(async () => (await other.request('GET', `/v1${pathOf('event', eventId)}`)).status, { timeout: 10_000 })
    .toBe(200);
  const chainOf = async (remote: RemoteServer) => {
    const { auth_chain: chain } = await remote.call('GET', `/v1${pathOf('event_auth', room, eventId)}`);
    return (asArray(chain) ?? []).map((event) => asString(asObject(event)?.type) ?? '').sort();
  };
  expect(await chainOf(other)).toEqual(await chainOf(asked));
  expect(await chainOf(other)).toContain('m.room.power_levels');
  await one.close();
  await two.close();
  await peer.close();
  expect([...one.faults, ...two.faults]).toEqual([]);
});
