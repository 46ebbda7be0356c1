import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Gateway } from '../../packages/homeserver/test/support/gateway.ts';
import type { JsonObject } from '../../packages/protocol/src/json/value.ts';
import { pathOf } from '../support/client.ts';
import { type FederatingServer, startFederatingServer } from '../support/federating-server.ts';
import { type LaunchedServer, startLaunchedServer } from '../support/launched-server.ts';
import type { ClientEvent, TestUser } from '../support/user.ts';

/** A program that starts another homeserver, which then is the second of the three servers; see CONTRIBUTING.md. */
const LAUNCHER = process.env.HEARTH_PEER_LAUNCHER;
const VERSIONS = ['1', '2', '3', '6', '9', '10', '11', '12', 'org.matrix.msc3757.11'];
const WAIT_MS = 15_000;

/** Waits until a function returns a value. */
async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const end = Date.now() + WAIT_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`${what} has not happened within ${WAIT_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** Joins a room. A server that has not got the whole state of a room yet cannot help with a join. */
const join = (user: TestUser, roomId: string, via: string) =>
  until(`the join of ${user.userId}`, async () => {
    const { status } = await user.request('POST', pathOf('join', roomId), { body: {}, query: { server_name: via } });
    return status === 200 ? true : undefined;
  });

const bodies = (events: readonly ClientEvent[]) =>
  events.flatMap(({ type, content: { body } }) =>
    type === 'm.room.message' && typeof body === 'string' ? [body] : [],
  );

/** The whole history that a user sees, oldest first. */
async function history(user: TestUser, roomId: string): Promise<ClientEvent[]> {
  const events: ClientEvent[] = [];
  let from: string | undefined;
  let emptyPages = 0;
  for (;;) {
    const page = await user.messages(roomId, { limit: 50, ...(from !== undefined && { from }) });
    events.push(...page.chunk);
    emptyPages = page.chunk.length === 0 ? emptyPages + 1 : 0;
    if (page.end === undefined || page.end === from || emptyPages > 2) return events.reverse();
    from = page.end;
  }
}

/** Waits until a user sees a message. */
const seen = (user: TestUser, roomId: string, body: string) =>
  until(`"${body}" for ${user.userId}`, async () =>
    bodies((await user.messages(roomId, { limit: 100 })).chunk).includes(body) ? true : undefined,
  );

const stateOf = async (user: TestUser, roomId: string): Promise<string[]> => {
  const { text } = await user.request('GET', pathOf('rooms', roomId, 'state'));
  const events = JSON.parse(text) as ClientEvent[];
  return events.map(({ type, state_key, event_id }) => `${type} ${state_key} ${event_id}`).sort();
};

describe('a room on several servers', () => {
  let servers: LaunchedServer[];
  let alice: TestUser;
  let bob: TestUser;
  let carol: TestUser;
  beforeAll(async () => {
    servers = await Promise.all(
      ['127.0.0.1', '127.0.0.2', '127.0.0.3'].map((host, i) =>
        i === 1 && LAUNCHER !== undefined ? startLaunchedServer(LAUNCHER, host) : startFederatingServer(host),
      ),
    );
    [alice, bob, carol] = (await Promise.all(servers.map((server) => server.user()))) as [TestUser, TestUser, TestUser];
  }, 90_000);
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.close()));
    expect(servers.flatMap(({ faults }) => faults)).toEqual([]);
  });
  const everybodyJoined = async (room: string) => {
    for (const user of [alice, bob, carol]) {
      await until(`three members for ${user.userId}`, async () => {
        const { joined } = await user.get<{ joined: JsonObject }>(pathOf('rooms', room, 'joined_members'));
        return Object.keys(joined).length === 3 ? true : undefined;
      });
    }
  };
  const nameOf = (user: TestUser) => user.userId.slice(user.userId.indexOf(':') + 1);

  test.each(VERSIONS)('version %s: all servers have the same messages and the same state', async (version) => {
    const room = await alice.createRoom({ preset: 'public_chat', room_version: version, name: 'One' });
    await alice.send(room, 'before');
    await join(bob, room, nameOf(alice));
    await join(carol, room, nameOf(bob));
    await everybodyJoined(room);
    for (const user of [alice, bob, carol]) await user.send(room, `from ${user.userId}`);
    for (const user of [alice, bob, carol])
      for (const sender of [alice, bob, carol]) await seen(user, room, `from ${sender.userId}`);
    await alice.setState(room, 'm.room.topic', { topic: 'new' });
    const levels = await alice.get<JsonObject>(pathOf('rooms', room, 'state', 'm.room.power_levels'));
    await alice.setState(room, 'm.room.power_levels', {
      ...levels,
      users: { ...(levels.users as JsonObject), [bob.userId]: 50 },
    });
    await until('the power of bob', async () => {
      const seenLevels = await bob.get<JsonObject>(pathOf('rooms', room, 'state', 'm.room.power_levels'));
      return (seenLevels.users as JsonObject)[bob.userId] === 50 ? true : undefined;
    });
    await bob.setState(room, 'm.room.name', { name: 'Two' });
    await bob.post(pathOf('rooms', room, 'kick'), { user_id: carol.userId });
    await until('the kick', async () => {
      const rooms = await carol.get<{ joined_rooms: string[] }>('/joined_rooms');
      return rooms.joined_rooms.includes(room) ? undefined : true;
    });
    const expected = await stateOf(bob, room);
    await until('the same state', async () =>
      JSON.stringify(await stateOf(alice, room)) === JSON.stringify(expected) ? true : undefined,
    );
    // Messages that were sent at the same time may be in another order on each server.
    expect(bodies(await history(bob, room)).sort()).toEqual(bodies(await history(alice, room)).sort());
  });

  test('sends an invite, which can be accepted and rejected', async () => {
    const room = await alice.createRoom({ preset: 'private_chat', name: 'Private', invite: [bob.userId] });
    const invite = await until('the invite', async () => (await bob.sync()).rooms?.invite?.[room]);
    expect(invite.invite_state.events).toContainEqual(
      expect.objectContaining({ type: 'm.room.name', content: { name: 'Private' } }),
    );
    await bob.leave(room);
    expect((await bob.sync()).rooms?.invite?.[room]).toBeUndefined();
    await until('the rejection', async () => {
      const { content } = await memberOf(alice, room, bob.userId);
      return content.membership === 'leave' ? true : undefined;
    });
    await alice.invite(room, bob.userId);
    await until('the second invite', async () => (await bob.sync()).rooms?.invite?.[room]);
    await bob.join(room);
    await bob.send(room, 'thanks');
    await seen(alice, room, 'thanks');
    await bob.leave(room);
    await until('the leave', async () =>
      (await memberOf(alice, room, bob.userId)).content.membership === 'leave' ? true : undefined,
    );
  });

  test.skipIf(LAUNCHER !== undefined)('notifies the user of an invite by a push gateway', async () => {
    const gateway = await Gateway.open();
    await bob.post('/pushers/set', {
      kind: 'http',
      app_id: 'org.example.app',
      pushkey: 'key',
      app_display_name: 'App',
      device_display_name: 'Phone',
      lang: 'en',
      data: { url: gateway.url, format: 'event_id_only' },
    });
    const room = await alice.createRoom({ preset: 'private_chat', invite: [bob.userId] });
    const { text } = await alice.request('GET', pathOf('rooms', room, 'state'));
    const invite = (JSON.parse(text) as ClientEvent[]).find(({ state_key }) => state_key === bob.userId);
    await expect.poll(() => gateway.events, { timeout: 5_000 }).toEqual([invite?.event_id]);
    await bob.leave(room);
    await gateway.close();
  });

  test('lets a user of another server knock', async () => {
    const room = await alice.createRoom({
      preset: 'private_chat',
      initial_state: [{ type: 'm.room.join_rules', state_key: '', content: { join_rule: 'knock' } }],
    });
    await bob.post(pathOf('knock', room), { reason: 'please' }, { server_name: nameOf(alice) });
    expect(Object.keys((await bob.sync()).rooms?.knock ?? {})).toContain(room);
    await until('the knock', async () =>
      (await memberOf(alice, room, bob.userId)).content.membership === 'knock' ? true : undefined,
    );
    await alice.invite(room, bob.userId);
    await until('the invite', async () => (await bob.sync()).rooms?.invite?.[room]);
    await bob.join(room);
  });

  test('lets members of another room join a restricted room', async () => {
    const club = await alice.createRoom();
    const room = await alice.createRoom({
      preset: 'private_chat',
      initial_state: [
        {
          type: 'm.room.join_rules',
          state_key: '',
          content: { join_rule: 'restricted', allow: [{ type: 'm.room_membership', room_id: club }] },
        },
      ],
    });
    const refused = await bob.request('POST', pathOf('join', room), {
      query: { server_name: nameOf(alice) },
      body: {},
    });
    expect([refused.status, refused.json.errcode]).toEqual([403, 'M_FORBIDDEN']);
    await join(bob, club, nameOf(alice));
    await join(bob, room, nameOf(alice));
    await bob.send(room, 'inside');
    await seen(alice, room, 'inside');
  });

  test('gets what was sent while a server was stopped', async () => {
    const room = await alice.createRoom();
    await join(bob, room, nameOf(alice));
    await bob.send(room, 'one');
    await seen(alice, room, 'one');
    const [, two] = servers;
    await two?.stop();
    for (let n = 0; n < 30; n += 1) await alice.send(room, `missed ${n}`);
    await two?.restart();
    await seen(bob, room, 'missed 29');
    const sent = Array.from({ length: 30 }, (_, n) => `missed ${n}`);
    expect(bodies(await history(bob, room)).filter((body) => body.startsWith('missed'))).toEqual(sent);
  });

  test('has the same state everywhere after changes at the same time', async () => {
    const room = await alice.createRoom({
      preset: 'public_chat',
      power_level_content_override: { state_default: 0 },
    });
    for (const user of [bob, carol]) await join(user, room, nameOf(alice));
    await everybodyJoined(room);
    for (const user of [alice, bob, carol]) await user.send(room, `hello ${user.userId}`);
    for (const user of [alice, bob, carol])
      for (const other of [alice, bob, carol]) await seen(user, room, `hello ${other.userId}`);
    await Promise.all(
      [alice, bob, carol].flatMap((user) =>
        Array.from({ length: 5 }, (_, n) =>
          user.setState(room, 'org.example.state', { by: user.userId, n }, `${n % 2}`),
        ),
      ),
    );
    for (const user of [alice, bob, carol]) await user.send(room, `done ${user.userId}`);
    for (const user of [alice, bob, carol])
      for (const other of [alice, bob, carol]) await seen(user, room, `done ${other.userId}`);
    await until('the same state', async () => {
      const states = await Promise.all([alice, bob, carol].map((user) => stateOf(user, room)));
      return new Set(states.map((state) => state.join())).size === 1 ? true : undefined;
    });
  });

  test.skipIf(LAUNCHER !== undefined)('shows forward extremities to administrators', async () => {
    const [server] = servers as FederatingServer[];
    const room = await alice.createRoom();
    const latest = await alice.send(room, 'latest');
    const path = `/_synapse/admin/v1/rooms/${encodeURIComponent(room)}/forward_extremities`;
    const admin = await server?.admin();
    expect(await admin?.get(path)).toEqual({
      count: 1,
      results: [
        {
          event_id: latest,
          depth: expect.any(Number),
          state_group: expect.any(Number),
          received_ts: expect.any(Number),
        },
      ],
    });
    expect((await alice.request('GET', path)).status).toBe(403);
  });

  test('shows history to late joiners by its visibility', async () => {
    for (const [visibility, isShown] of [
      ['world_readable', true],
      ['shared', true],
      ['invited', false],
      ['joined', false],
    ] as const) {
      const room = await alice.createRoom({
        preset: 'public_chat',
        initial_state: [
          { type: 'm.room.history_visibility', state_key: '', content: { history_visibility: visibility } },
        ],
      });
      await alice.send(room, 'early');
      await join(bob, room, nameOf(alice));
      await alice.send(room, 'late');
      await seen(bob, room, 'late');
      expect([visibility, bodies(await history(bob, room))]).toEqual([
        visibility,
        isShown ? ['early', 'late'] : ['late'],
      ]);
    }
  });

  test('shows the whole history to the beginning of the room', async () => {
    const room = await alice.createRoom();
    // The first page that is fetched ends at the first message. It follows an event that is part of the state.
    const sent = Array.from({ length: 100 }, (_, n) => `m${n}`);
    for (const body of sent) await alice.send(room, body);
    await join(bob, room, nameOf(alice));
    const events = await history(bob, room);
    expect(events[0]?.type).toBe('m.room.create');
    expect(bodies(events)).toEqual(sent);
  });

  test('shows a user who comes back what was sent meanwhile', async () => {
    const room = await alice.createRoom();
    await join(bob, room, nameOf(alice));
    await bob.send(room, 'one');
    await seen(alice, room, 'one');
    await bob.leave(room);
    await until('the leave', async () =>
      (await memberOf(alice, room, bob.userId)).content.membership === 'leave' ? true : undefined,
    );
    for (const body of ['two', 'three']) await alice.send(room, body);
    await alice.setState(room, 'm.room.name', { name: 'renamed' });
    await join(bob, room, nameOf(alice));
    await alice.send(room, 'four');
    await seen(bob, room, 'four');
    expect(bodies(await history(bob, room))).toEqual(['one', 'two', 'three', 'four']);
    expect(await stateOf(bob, room)).toEqual(await stateOf(alice, room));
    const { rooms } = await bob.sync();
    expect(rooms?.join?.[room]?.timeline.events.at(-1)?.content.body).toBe('four');
  });

  test('redacts events on all servers', async () => {
    const room = await alice.createRoom();
    await join(bob, room, nameOf(alice));
    const sent = await alice.send(room, 'secret');
    await seen(bob, room, 'secret');
    await alice.redact(room, sent);
    await until('the redaction', async () =>
      bodies((await bob.messages(room, { limit: 10 })).chunk).includes('secret') ? undefined : true,
    );
  });
});

const memberOf = async (user: TestUser, roomId: string, userId: string): Promise<{ content: JsonObject }> => ({
  content: await user.get<JsonObject>(pathOf('rooms', roomId, 'state', 'm.room.member', userId)),
});
