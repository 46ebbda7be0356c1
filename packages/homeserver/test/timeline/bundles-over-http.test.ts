import type { JsonObject, JsonValue } from '@hearth/protocol/json/value.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from '../../../../tests/support/server.ts';
import { SLIDING_PATH } from '../../../../tests/support/sliding.ts';
import type { TestUser } from '../../../../tests/support/user.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server.close();
  expect(server.faults).toEqual([]);
});

/** The endpoints that return an event of a room. */
const ENDPOINTS: readonly [string, (user: TestUser, room: string, event: string) => Promise<JsonValue>][] = [
  ['/event', (user, room, event) => user.get(`/rooms/${room}/event/${event}`)],
  ['/events/{eventId}', (user, _room, event) => user.get(`/events/${event}`)],
  ['/context', (user, room, event) => user.get(`/rooms/${room}/context/${event}`)],
  ['/messages', (user, room) => user.get(`/rooms/${room}/messages`, { dir: 'b', limit: 50 })],
  ['/threads', (user, room) => user.get(`/_matrix/client/v1/rooms/${room}/threads`)],
  ['/relations', (user, room, event) => user.get(`/_matrix/client/v1/rooms/${room}/relations/${event}`)],
  ['/search', (user) => user.post('/search', { search_categories: { room_events: { search_term: 'topmost' } } })],
  ['/sync', (user) => user.get('/sync', { filter: JSON.stringify({ room: { include_leave: true } }) })],
  ['/initialSync', (user) => user.get('/initialSync', { archived: 'true', limit: 50 })],
  ['/rooms/{roomId}/initialSync', (user, room) => user.get(`/rooms/${room}/initialSync`, { limit: 50 })],
  [
    'sliding sync',
    (user) => user.post(SLIDING_PATH, { lists: { all: { ranges: [[0, 9]], timeline_limit: 50, required_state: [] } } }),
  ],
];

const relate = (user: TestUser, room: string, parent: string, relType: string, body: string) => {
  const content: JsonObject = relType === 'm.replace' ? { 'm.new_content': { msgtype: 'm.text', body } } : {};
  return user.send(room, {
    msgtype: 'm.text',
    body,
    ...content,
    'm.relates_to': { rel_type: relType, event_id: parent },
  });
};

describe.each(ENDPOINTS)('%s', (_name, ask) => {
  test('bundles the relations at the departure for a user who has left', async () => {
    const [alice, bob] = [await server.user(), await server.user()];
    const room = await alice.createRoom();
    await bob.join(room);
    const root = await alice.send(room, 'topmost');
    await relate(alice, room, root, 'm.thread', 'early reply');
    await bob.leave(room);
    await relate(alice, room, root, 'm.thread', 'reply afterwards');
    await relate(alice, room, root, 'm.reference', 'reference afterwards');
    await relate(alice, room, root, 'm.replace', 'edit afterwards');
    const text = JSON.stringify(await ask(bob, room, root));
    expect(text).not.toContain('afterwards');
    expect(text).not.toContain('m.reference');
    if (text.includes('"m.thread":{')) expect(text).toContain('"count":1');
  });

  test('bundles no events of users whom the reader ignores', async () => {
    const [alice, bob, mallory] = [await server.user(), await server.user(), await server.user()];
    const room = await alice.createRoom();
    for (const user of [bob, mallory]) await user.join(room);
    const root = await alice.send(room, 'topmost');
    await relate(mallory, room, root, 'm.thread', 'unwanted');
    await relate(mallory, room, root, 'm.reference', 'unwanted');
    await bob.put(`/user/${bob.userId}/account_data/m.ignored_user_list`, {
      ignored_users: { [mallory.userId]: {} },
    });
    const text = JSON.stringify(await ask(bob, room, root));
    expect(text).not.toContain('unwanted');
    expect(text).not.toContain('m.relations');
  });
});
