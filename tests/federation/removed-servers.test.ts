import { expect, test } from 'vitest';
import type { PduDraft } from '../../packages/protocol/src/events/event.ts';
import type { JsonObject } from '../../packages/protocol/src/json/value.ts';
import { pathOf } from '../support/client.ts';
import { startFederatingServer } from '../support/federating-server.ts';
import { startPeer } from '../support/peer.ts';
import { RemoteServer } from '../support/remote-members.ts';

test('a server whose user the resolution of branches removes from a room gets the event that has caused it', async () => {
  const server = await startFederatingServer('127.0.0.87');
  const open = async () => new RemoteServer(await startPeer(() => [200, { pdus: {} }]), server);
  const [closing, joining] = [await open(), await open()];
  const alice = await server.user('alice');
  const room = await alice.createRoom({ preset: 'public_chat', room_version: '10' });
  const [admin, bob] = [closing.user('admin'), joining.user('bob')];
  await closing.join(room, admin);
  const levels = await alice.get<JsonObject>(pathOf('rooms', room, 'state', 'm.room.power_levels', ''));
  await alice.setState(room, 'm.room.power_levels', {
    ...levels,
    users: { ...(levels.users as JsonObject), [admin]: 100 },
  });
  const place = (await closing.make('leave', room, admin)).json.event as unknown as PduDraft;
  await joining.join(room, bob);
  // The administrator's server does not know of the join yet.
  const rules = { ...place, type: 'm.room.join_rules', state_key: '', content: { join_rule: 'invite' } };
  const { pdu } = closing.sign('10', rules);
  const body = { origin: closing.peer.name, origin_server_ts: 1, pdus: [pdu], edus: [] };
  await closing.call('PUT', '/v1/send/closed', { body });
  const members = async () =>
    Object.keys((await alice.get<{ joined: JsonObject }>(pathOf('rooms', room, 'joined_members'))).joined);
  await expect.poll(members, { timeout: 10_000 }).not.toContain(bob);
  const received = () =>
    joining.peer.received.some((one) => one.path.includes('/v1/send/') && one.body.includes('m.room.join_rules'));
  await expect.poll(received, { timeout: 10_000 }).toBe(true);
  await alice.send(room, 'a message that only members get');
  await expect.poll(() => closing.peer.received.map((one) => one.body).join()).toContain('only members');
  expect(joining.peer.received.map((one) => one.body).join()).not.toContain('only members');
  await server.close();
  await Promise.all([closing, joining].map(({ peer }) => peer.close()));
  expect(server.faults).toEqual([]);
});
