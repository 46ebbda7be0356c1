import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { JsonObject } from '../../packages/protocol/src/json/value.ts';
import { pathOf } from '../support/client.ts';
import { type FederatingServer, startFederatingServer } from '../support/federating-server.ts';
import { startPeer } from '../support/peer.ts';
import { RemoteServer } from '../support/remote-members.ts';
import type { TestUser } from '../support/user.ts';

interface HierarchyRoom {
  readonly room_id: string;
  readonly name?: string;
  readonly children_state: { readonly state_key: string }[];
}

describe('a space with rooms on several servers', () => {
  let server: FederatingServer;
  let second: FederatingServer;
  let alice: TestUser;
  let bob: TestUser;
  /** A server whose answers about rooms a test decides. */
  let remote: RemoteServer;
  const described = new Map<string, JsonObject>();
  beforeAll(async () => {
    [server, second] = await Promise.all([startFederatingServer('127.0.0.2'), startFederatingServer('127.0.0.3')]);
    [alice, bob] = [await server.user('alice'), await second.user('bob')];
    const peer = await startPeer(({ path }) => {
      const [, roomId = ''] = /^\/_matrix\/federation\/v1\/hierarchy\/([^?]*)/.exec(path) ?? [];
      const answer = described.get(decodeURIComponent(roomId));
      return answer === undefined ? [404, { errcode: 'M_NOT_FOUND' }] : [200, answer];
    });
    remote = new RemoteServer(peer, server);
  });
  afterEach(() => expect([...server.faults, ...second.faults]).toEqual([]));
  afterAll(async () => {
    await server.close();
    await second.close();
    await remote.peer.close();
  });

  const create = async (user: TestUser, name: string, options: JsonObject = {}) => {
    const body = { preset: 'public_chat', name, ...options };
    return (await user.post<{ room_id: string }>('/createRoom', body)).room_id;
  };
  const space = (user: TestUser, name: string, options: JsonObject = {}) =>
    create(user, name, { creation_content: { type: 'm.space' }, ...options });
  const addChild = (user: TestUser, parent: string, child: string, via: string, more: JsonObject = {}) =>
    user.put(pathOf('rooms', parent, 'state', 'm.space.child', child), { via: [via], ...more });
  const hierarchy = async (user: TestUser, roomId: string, query: Record<string, string> = {}) => {
    const path = `/_matrix/client/v1${pathOf('rooms', roomId, 'hierarchy')}`;
    return (await user.get<{ rooms: HierarchyRoom[] }>(path, query)).rooms;
  };
  const namesOf = (rooms: readonly HierarchyRoom[]) => rooms.map(({ name }) => name);

  test('shows the rooms of the other server and their children, depth first', async () => {
    const root = await space(alice, 'root');
    const inner = await space(bob, 'inner');
    await addChild(alice, root, inner, second.name, { order: 'a' });
    await addChild(bob, inner, await create(bob, 'leaf'), second.name);
    await addChild(bob, inner, await create(bob, 'secret', { preset: 'private_chat' }), second.name);
    await addChild(alice, root, await create(alice, 'own'), server.name, { order: 'b' });
    const rooms = await hierarchy(alice, root);
    expect(namesOf(rooms)).toEqual(['root', 'inner', 'leaf', 'own']);
    expect(rooms[1]?.children_state).toHaveLength(2);
    expect(namesOf(await hierarchy(alice, root, { max_depth: '1' }))).toEqual(['root', 'inner', 'own']);
  });

  test('shows restricted rooms of the other server to members of the allowed room', async () => {
    const club = await create(alice, 'club');
    const root = await space(alice, 'root');
    const rules = { join_rule: 'restricted', allow: [{ type: 'm.room_membership', room_id: club }] };
    const leaf = await create(bob, 'restricted', {
      room_version: '10',
      initial_state: [{ type: 'm.room.join_rules', content: rules }],
    });
    await addChild(alice, root, leaf, second.name);
    expect(namesOf(await hierarchy(alice, root))).toEqual(['root']);
  });

  test('describes public rooms of the other server to users who are not in them', async () => {
    const roomId = await create(bob, 'far away', { topic: 'Topic' });
    const path = (id: string) => `/_matrix/client/v1${pathOf('room_summary', id)}`;
    const summary = await alice.get(path(roomId), { via: second.name });
    expect(summary).toMatchObject({
      room_id: roomId,
      name: 'far away',
      topic: 'Topic',
      membership: 'leave',
      num_joined_members: 1,
    });
    const secret = await create(bob, 'secret', { preset: 'private_chat' });
    expect((await alice.request('GET', path(secret), { query: { via: second.name } })).status).toBe(404);
    const visitor = await fetch(`${server.url}${path(roomId)}?via=${second.name}`);
    expect(visitor.status).toBe(404);
  });

  test('is described to other servers, with the children that they can reach', async () => {
    const root = await space(alice, 'root');
    const [open, secret] = [await create(alice, 'open'), await create(alice, 'secret', { preset: 'private_chat' })];
    await addChild(alice, root, open, server.name, { suggested: true });
    await addChild(alice, root, secret, server.name);
    await addChild(alice, root, '!unknown:elsewhere.example', 'elsewhere.example');
    const answer = await remote.call('GET', `/v1${pathOf('hierarchy', root)}`);
    const children = answer.children as unknown as HierarchyRoom[];
    const room = answer.room as unknown as HierarchyRoom;
    expect([room.name, namesOf(children), answer.inaccessible_children]).toEqual(['root', ['open'], [secret]]);
    expect(room.children_state).toHaveLength(3);
    const query = { suggested_only: true };
    const suggested = await remote.call('GET', `/v1${pathOf('hierarchy', root)}`, { query });
    expect([
      (suggested.room as unknown as HierarchyRoom).children_state.length,
      suggested.inaccessible_children,
    ]).toEqual([1, []]);
    for (const roomId of [secret, '!unknown:elsewhere.example']) {
      const { status, json } = await remote.request('GET', `/v1${pathOf('hierarchy', roomId)}`);
      expect([status, json.errcode]).toEqual([404, 'M_NOT_FOUND']);
    }
    await alice.put(`${pathOf('rooms', root, 'state', 'm.room.server_acl')}/`, { allow: [server.name] });
    expect((await remote.request('GET', `/v1${pathOf('hierarchy', root)}`)).status).toBe(404);
  });

  test('is described to a server with a member in the room that a restricted child allows', async () => {
    const root = await space(alice, 'root');
    const club = await create(alice, 'club');
    const rules = { join_rule: 'restricted', allow: [{ type: 'm.room_membership', room_id: club }] };
    const leaf = await create(alice, 'leaf', {
      room_version: '10',
      initial_state: [{ type: 'm.room.join_rules', content: rules }],
    });
    await addChild(alice, root, leaf, server.name);
    const ask = async () => (await remote.call('GET', `/v1${pathOf('hierarchy', root)}`)).inaccessible_children;
    expect(await ask()).toEqual([leaf]);
    await remote.join(club, remote.user('carol'));
    expect(await ask()).toEqual([]);
  });

  test('leaves out answers about other rooms and malformed ones', async () => {
    const root = await space(alice, 'root');
    const [wrong, odd] = [`!wrong:${remote.peer.name}`, `!odd:${remote.peer.name}`];
    const room = { num_joined_members: 1, world_readable: true, guest_can_join: false, children_state: [] };
    described.set(wrong, { room: { ...room, room_id: odd, name: 'wrong' }, children: [], inaccessible_children: [] });
    described.set(odd, {
      room: {
        ...room,
        room_id: odd,
        name: 'odd',
        topic: { not: 'a text' },
        room_type: 'm.space',
        children_state: [
          null,
          1,
          { type: 'm.space.child', state_key: 5 },
          { type: 'm.room.name', state_key: 'x', content: {} },
        ],
      },
      children: [null, { room_id: 1 }],
      inaccessible_children: 'none',
    });
    await addChild(alice, root, wrong, remote.peer.name);
    await addChild(alice, root, odd, remote.peer.name);
    const rooms = await hierarchy(alice, root);
    expect(namesOf(rooms)).toEqual(['root', 'odd']);
    expect(rooms[1]?.children_state).toEqual([]);
    expect(rooms[1]).not.toHaveProperty('topic');
  });
});
