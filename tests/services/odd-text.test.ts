import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call, pathOf, request } from '../support/client.ts';
import { TEST_ENGINES } from '../support/engines.ts';
import { startServer, type TestServer } from '../support/server.ts';
import type { TestUser } from '../support/user.ts';

/** Texts that databases do not store as they are. */
const ODD = ['a\0b', 'x\uD800'];

describe.each(TEST_ENGINES)('texts that no database stores, on $name', ({ postgres }) => {
  let server: TestServer;
  let alice: TestUser;
  let room: string;

  beforeAll(async () => {
    server = await startServer({ postgres, config: { user_directory: { search_all: true } } });
    alice = await server.user();
    room = await alice.createRoom({ preset: 'public_chat' });
  });
  afterAll(() => server.close());

  const search = async (term: string) => {
    const { results } = await alice.post<{ results: { user_id: string; display_name?: string }[] }>(
      '/user_directory/search',
      { search_term: term },
    );
    return results.map(({ user_id }) => user_id);
  };

  test('a member event with such a display name does not stop the user directory', async () => {
    const bob = await server.user('odd-bob');
    await bob.join(room);
    const content = { membership: 'join', displayname: 'odd\0name' };
    const reply = await request(bob, 'PUT', pathOf('rooms', room, 'state', 'm.room.member', bob.userId), {
      body: content,
    });
    expect(reply.status).toBe(200);
    await request(bob, 'PUT', pathOf('profile', bob.userId, 'displayname'), { body: { displayname: 'odd\0profile' } });
    const carol = await server.user('odd-carol');
    await carol.join(room);
    expect(await search('odd-')).toEqual(expect.arrayContaining([bob.userId, carol.userId]));
    expect(server.faults).toEqual([]);
  });

  test.each(ODD)('an alias, an event type and a report with %j are refused', async (odd) => {
    const event = await alice.send(room, 'hello');
    const requests = [
      request(alice, 'POST', '/createRoom', { body: { room_alias_name: odd } }),
      request(alice, 'POST', '/createRoom', { body: { initial_state: [{ type: odd, content: {} }] } }),
      request(alice, 'POST', pathOf('rooms', room, 'report', event), { body: { reason: odd } }),
    ];
    for (const { status, json } of await Promise.all(requests)) {
      expect([status, json.errcode]).toEqual([400, expect.stringMatching(/^M_(INVALID_PARAM|BAD_JSON)$/)]);
    }
    expect(server.faults).toEqual([]);
  });

  test('an event may contain such texts, but a relation with them is ignored', async () => {
    const parent = await alice.send(room, 'parent');
    const content = { msgtype: 'm.text', body: 'nul \0 here', 'm.relates_to': { rel_type: 'a\0b', event_id: parent } };
    const path = pathOf('rooms', room, 'send', 'm.room.message', 'odd1');
    const { event_id: id } = await call<{ event_id: string }>(alice, 'PUT', path, { body: content });
    const event = await alice.get<{ content: unknown }>(pathOf('rooms', room, 'event', id));
    expect(event.content).toEqual(content);
    const found = await request(alice, 'POST', '/search', {
      body: { search_categories: { room_events: { search_term: 'nul here' } } },
    });
    expect([found.status, JSON.stringify(found.json).includes(id)]).toEqual([200, true]);
    expect(server.faults).toEqual([]);
  });

  test('lookups of such texts find nothing', async () => {
    const filter = JSON.stringify({ room: { timeline: { types: ['a\0b'], senders: ['@a\0b:hearth.test'] } } });
    expect((await request(alice, 'GET', '/sync', { query: { filter } })).status).toBe(200);
    const events = await request(alice, 'GET', '/_matrix/client/v3/events', {
      query: { room_id: 'a\0b', timeout: '0' },
    });
    expect(events.status).toBe(403);
    expect(server.faults).toEqual([]);
  });
});
