import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../../../../tests/support/server.ts';
import type { ClientEvent, Page, SyncReply, TestUser } from '../../../../tests/support/user.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server.close();
  expect(server.faults).toEqual([]);
});

async function deactivate(user: TestUser, erase: boolean): Promise<void> {
  const { json } = await user.request('POST', '/account/deactivate', { body: { erase } });
  const password = user.userId.slice(1, user.userId.indexOf(':'));
  const identifier = { type: 'm.id.user', user: user.userId };
  const auth = { type: 'm.login.password', session: json.session ?? '', identifier, password };
  const { status } = await user.request('POST', '/account/deactivate', { body: { erase, auth } });
  expect(status).toBe(200);
}

/** Returns the contents of a user's events that a reader gets from every endpoint, by event id. */
async function seen(reader: TestUser, room: string, sender: string, ids: readonly string[]) {
  const contents = new Map<string, unknown[]>();
  const note = (event: ClientEvent | undefined) => {
    if (event?.sender !== sender || event.type === 'm.room.member') return;
    contents.set(event.event_id, [...(contents.get(event.event_id) ?? []), event.content]);
    note(event.unsigned?.['m.relations'] as ClientEvent | undefined);
  };
  const page = await reader.get<Page>(`/rooms/${room}/messages`, { dir: 'b', limit: 100 });
  page.chunk.forEach(note);
  const sync = await reader.get<SyncReply>('/sync');
  const { timeline, state } = sync.rooms?.join?.[room] ?? { timeline: { events: [] }, state: { events: [] } };
  [...timeline.events, ...state.events].forEach(note);
  const { messages } = await reader.get<{ messages: Page }>(`/rooms/${room}/initialSync`);
  messages.chunk.forEach(note);
  for (const id of ids) {
    note(await reader.get<ClientEvent>(`/rooms/${room}/event/${encodeURIComponent(id)}`));
    const context = await reader.get<{ event: ClientEvent; events_before: ClientEvent[] }>(
      `/rooms/${room}/context/${encodeURIComponent(id)}`,
    );
    [context.event, ...context.events_before].forEach(note);
  }
  Object.values(await reader.get<Record<string, ClientEvent>>(`/rooms/${room}/state`)).forEach(note);
  return contents;
}

async function search(reader: TestUser, term: string): Promise<number> {
  const body = { search_categories: { room_events: { search_term: term } } };
  const { search_categories: found } = await reader.post<{ search_categories: { room_events: { count: number } } }>(
    '/search',
    body,
  );
  return found.room_events.count;
}

test('users who join after an erasure see redacted copies, earlier members see the events', async () => {
  const [alice, bob, early, late] = [
    await server.user(),
    await server.user(),
    await server.user(),
    await server.user(),
  ];
  const room = await alice.createRoom({
    preset: 'public_chat',
    power_level_content_override: { events: { 'com.example.state': 0 } },
  });
  await bob.join(room);
  const root = await bob.send(room, 'erasable words');
  await early.join(room);
  const reply = await bob.sendEvent(room, 'm.room.message', {
    msgtype: 'm.text',
    body: 'erasable reply',
    'm.relates_to': { rel_type: 'm.thread', event_id: root },
  });
  const edit = await bob.sendEvent(room, 'm.room.message', {
    msgtype: 'm.text',
    body: '* erasable edit',
    'm.new_content': { msgtype: 'm.text', body: 'erasable edit' },
    'm.relates_to': { rel_type: 'm.replace', event_id: root },
  });
  await bob.setState(room, 'com.example.state', { secret: 'erasable' });
  const other = await alice.send(room, 'stays');
  await deactivate(bob, true);
  await late.join(room);

  for (const isRestarted of [false, true]) {
    if (isRestarted) await server.restart();
    const lateContents = await seen(late, room, bob.userId, [root, reply, edit]);
    expect(lateContents.size).toBe(4);
    for (const contents of lateContents.values()) for (const content of contents) expect(content).toEqual({});
    expect(JSON.stringify(await late.get(`/rooms/${room}/event/${encodeURIComponent(root)}`))).not.toContain(
      'erasable',
    );
    expect(await late.get(`/rooms/${room}/state/com.example.state`)).toEqual({});
    const threads = await late.get(`/_matrix/client/v1/rooms/${room}/threads`);
    expect(JSON.stringify(threads)).not.toContain('erasable');
    expect(await search(late, 'erasable')).toBe(0);
    expect(await late.get(`/rooms/${room}/event/${encodeURIComponent(other)}`)).toMatchObject({
      content: { body: 'stays' },
    });

    const earlyContents = await seen(early, room, bob.userId, [root, reply, edit]);
    expect(earlyContents.size).toBe(4);
    for (const contents of earlyContents.values()) for (const content of contents) expect(content).not.toEqual({});
    expect(await early.get(`/rooms/${room}/state/com.example.state`)).toEqual({ secret: 'erasable' });
    expect(await search(early, 'erasable')).toBeGreaterThan(0);
  }
});

test('a deactivation without erasure leaves events as they are', async () => {
  const [bob, late] = [await server.user(), await server.user()];
  const room = await bob.createRoom();
  const said = await bob.send(room, 'kept words');
  await deactivate(bob, false);
  await late.join(room);
  expect(await late.get(`/rooms/${room}/event/${encodeURIComponent(said)}`)).toMatchObject({
    content: { body: 'kept words' },
  });
});
