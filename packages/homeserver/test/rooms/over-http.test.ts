import { ROOM_VERSIONS } from '@hearth/protocol/room-versions/rules.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../../../../tests/support/server.ts';
import type { ClientEvent, SyncReply, TestUser } from '../../../../tests/support/user.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server.close();
  expect(server.faults).toEqual([]);
});

const presences = ({ presence }: SyncReply) => presence?.events.map(({ sender }) => sender) ?? [];
const member = (user: TestUser, room: string) =>
  user.get<Record<string, unknown>>(`/rooms/${room}/state/m.room.member/${user.userId}`);

test('capabilities list room versions of proposals as unstable', async () => {
  const alice = await server.user();
  const { capabilities } = await alice.get<{ capabilities: Record<string, unknown> }>('/capabilities');
  const available = Object.fromEntries(ROOM_VERSIONS.map(({ id }) => [id, /^\d+$/.test(id) ? 'stable' : 'unstable']));
  expect(Object.values(available)).toContain('unstable');
  expect(capabilities['m.room_versions']).toEqual({ default: '12', available });
});

test('users who share a room are members for each other', async () => {
  const [alice, bob] = [await server.user(), await server.user()];
  const room = await alice.createRoom({ preset: 'public_chat' });
  const [before, outside] = [await alice.sync(), await bob.sync()];
  await bob.join(room);
  expect(presences(await alice.sync({ since: before.next_batch }))).toContain(bob.userId);
  const joined = await bob.sync({ since: outside.next_batch });
  expect(presences(joined)).toContain(alice.userId);
  expect(presences(await bob.sync({ since: joined.next_batch }))).toEqual([]);
});

test('the member event contains what a client adds to its join, except fields that only servers set', async () => {
  const [alice, bob] = [await server.user(), await server.user()];
  const room = await alice.createRoom({ preset: 'public_chat' });
  const content = { reason: 'why not', foo: 'bar', membership: 'ban', join_authorised_via_users_server: alice.userId };
  await bob.post(`/join/${room}`, content);
  expect(await member(bob, room)).toEqual({
    membership: 'join',
    displayname: expect.any(String),
    reason: 'why not',
    foo: 'bar',
  });
});

test('a room does not call itself by an alias that was removed', async () => {
  const alice = await server.user();
  const alias = '#gone:hearth.test';
  const room = await alice.createRoom({ room_alias_name: 'gone' });
  await alice.put(`/directory/room/${encodeURIComponent('#stays:hearth.test')}`, { room_id: room });
  await alice.setState(room, 'm.room.canonical_alias', { alias, alt_aliases: [alias, '#stays:hearth.test'] });
  await alice.request('DELETE', `/directory/room/${encodeURIComponent(alias)}`);
  expect(await alice.get(`/rooms/${room}/state/m.room.canonical_alias`)).toEqual({
    alt_aliases: ['#stays:hearth.test'],
  });
});

test('tags and push rules of a room move to its successor when the user joins it', async () => {
  const [alice, bob] = [await server.user(), await server.user()];
  const old = await alice.createRoom({ preset: 'public_chat' });
  await bob.join(old);
  for (const user of [alice, bob]) {
    await user.put(`/pushrules/global/room/${encodeURIComponent(old)}`, { actions: ['dont_notify'] });
    await user.put(`/user/${user.userId}/rooms/${old}/tags/m.favourite`, { order: 0.5 });
  }
  await bob.put(`/user/${bob.userId}/account_data/m.direct`, { [alice.userId]: [old] });
  const { replacement_room: room } = await alice.post<{ replacement_room: string }>(`/rooms/${old}/upgrade`, {
    new_version: '11',
  });
  await bob.join(room);
  for (const user of [alice, bob]) {
    const rule = () => user.request('GET', `/pushrules/global/room/${encodeURIComponent(room)}`);
    await expect.poll(async () => (await rule()).json.actions).toEqual(['dont_notify']);
    const tags = () => user.get(`/user/${user.userId}/rooms/${room}/tags`);
    await expect.poll(tags).toEqual({ tags: { 'm.favourite': { order: 0.5 } } });
  }
  const direct = () => bob.get(`/user/${bob.userId}/account_data/m.direct`);
  await expect.poll(direct).toEqual({ [alice.userId]: [old, room] });
});

test('the members at the beginning of a room are its creator', async () => {
  const [alice, bob] = [await server.user(), await server.user()];
  const room = await alice.createRoom({ preset: 'public_chat' });
  const at = (await alice.sync()).rooms?.join?.[room]?.timeline.prev_batch;
  await bob.join(room);
  const { chunk } = await alice.get<{ chunk: ClientEvent[] }>(`/rooms/${room}/members`, { at });
  expect(chunk.map(({ state_key }) => state_key)).toEqual([alice.userId]);
});

test('a user who may not see a room gets that error before any other', async () => {
  const [alice, bob] = [await server.user(), await server.user()];
  const room = await alice.createRoom({ preset: 'private_chat' });
  expect((await bob.request('GET', `/rooms/${room}/messages`)).status).toBe(403);
  expect((await alice.request('GET', `/rooms/${room}/messages`)).json.errcode).toBe('M_MISSING_PARAM');
});

test('the password of somebody else does not help to delete a device', async () => {
  const alice = await server.user();
  await server.user('mallory');
  const auth = { type: 'm.login.password', identifier: { type: 'm.id.user', user: 'mallory' }, password: 'mallory' };
  const reply = await alice.request('DELETE', `/devices/${alice.deviceId}`, { body: { auth } });
  expect([reply.status, reply.json.errcode]).toEqual([403, 'M_FORBIDDEN']);
});
