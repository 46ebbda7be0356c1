import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Pdu } from '../../packages/protocol/src/events/event.ts';
import { eventId } from '../../packages/protocol/src/events/hash.ts';
import { parsePdu } from '../../packages/protocol/src/events/shape.ts';
import type { JsonObject } from '../../packages/protocol/src/json/value.ts';
import { roomVersion } from '../../packages/protocol/src/room-versions/rules.ts';
import { verifyPduSignature } from '../../packages/protocol/src/signing/pdu.ts';
import { pathOf } from '../support/client.ts';
import { type FederatingServer, startFederatingServer } from '../support/federating-server.ts';
import { startPeer } from '../support/peer.ts';
import { RemoteServer } from '../support/remote-members.ts';
import type { ClientEvent, TestUser } from '../support/user.ts';

describe('a room that users of another server join', () => {
  let server: FederatingServer;
  let remote: RemoteServer;
  let other: RemoteServer;
  let alice: TestUser;
  beforeAll(async () => {
    server = await startFederatingServer('127.0.0.41');
    remote = new RemoteServer(await startPeer(), server);
    other = new RemoteServer(await startPeer(() => [200, {}]), server);
    alice = await server.user('alice');
  });
  afterEach(() => expect(server.faults).toEqual([]));
  afterAll(async () => {
    await server.close();
    await remote.peer.close();
    await other.peer.close();
  });

  let count = 0;
  const newUser = () => {
    count += 1;
    return remote.user(`bob${count}`);
  };
  const createRoom = async (options: JsonObject = {}) => {
    const body = { preset: 'public_chat', ...options };
    return (await alice.post<{ room_id: string }>('/createRoom', body)).room_id;
  };
  const setState = (roomId: string, type: string, content: JsonObject, key = '') =>
    alice.put(`${pathOf('rooms', roomId, 'state', type)}/${encodeURIComponent(key)}`, content);
  const membership = async (roomId: string, userId: string) =>
    (await alice.request('GET', pathOf('rooms', roomId, 'state', 'm.room.member', userId))).json.membership;
  const stateOf = async (roomId: string) =>
    JSON.parse((await alice.request('GET', pathOf('rooms', roomId, 'state'))).text) as ClientEvent[];
  const pdus = (value: unknown) => value as Pdu[];
  const idsOf = (list: unknown, version: string) => {
    const rules = roomVersion(version);
    return rules === undefined ? [] : pdus(list).map((pdu) => eventId(pdu, rules));
  };

  test.each(['1', '3', '6', '9', '10', '11', '12'])(
    'of version %s returns the state before the join',
    async (version) => {
      const roomId = await createRoom({ room_version: version, name: 'Room' });
      const before = await stateOf(roomId);
      const bob = newUser();
      const answer = await remote.join(roomId, bob);
      expect(answer).toMatchObject({ origin: server.name, members_omitted: false });
      expect(idsOf(answer.state, version).sort()).toEqual(before.map(({ event_id }) => event_id).sort());
      const rules = roomVersion(version);
      if (rules === undefined) throw new Error('the version is known');
      for (const pdu of [...pdus(answer.state), ...pdus(answer.auth_chain)])
        expect(parsePdu(pdu, rules).refusal).toBeUndefined();
      // Every auth event of the join and of the state is in the answer.
      const known = new Set([...idsOf(answer.auth_chain, version), ...idsOf(answer.state, version)]);
      const needed = [...pdus(answer.state), ...pdus(answer.auth_chain), answer.event as Pdu].flatMap((pdu) =>
        pdu.auth_events.map((one) => (typeof one === 'string' ? one : one[0])),
      );
      expect(needed.filter((id) => !known.has(id))).toEqual([]);
      expect(await membership(roomId, bob)).toBe('join');
      // The server is in the room now.
      const [latest] = idsOf([answer.event], version);
      const state = await remote.call('GET', `/v1${pathOf('state_ids', roomId)}`, { query: { event_id: latest } });
      expect(state.pdu_ids).toHaveLength(before.length);
    },
  );

  test('is offered to servers of old versions by the path of version 1', async () => {
    const roomId = await createRoom();
    const bob = newUser();
    const member = await remote.signed('join', roomId, bob);
    const reply = await remote.request('PUT', `/v1${pathOf('send_join', roomId, member.eventId)}`, {
      body: member.pdu,
    });
    const [status, answer] = JSON.parse(reply.text) as [number, JsonObject];
    expect([reply.status, status, Object.keys(answer)]).toEqual([
      200,
      200,
      expect.arrayContaining(['state', 'auth_chain']),
    ]);
    const leave = await remote.signed('leave', roomId, bob);
    const left = await remote.request('PUT', `/v1${pathOf('send_leave', roomId, leave.eventId)}`, { body: leave.pdu });
    expect([left.status, left.text]).toEqual([200, '[200,{}]']);
    expect(await membership(roomId, bob)).toBe('leave');
  });

  test('leaves out members for servers that accept that (MSC3706)', async () => {
    const version = '11';
    const roomId = await createRoom({ name: 'Room', room_version: version });
    const carol = await server.user();
    await carol.post(pathOf('join', roomId));
    await other.join(roomId, other.user('dora'));
    const answer = await remote.join(roomId, newUser(), { omit_members: true });
    expect(answer.members_omitted).toBe(true);
    expect(answer.servers_in_room).toEqual(expect.arrayContaining([server.name, other.peer.name]));
    expect(answer.servers_in_room).not.toContain(remote.peer.name);
    expect(pdus(answer.state).filter(({ type }) => type === 'm.room.member')).toEqual([]);
    const state = idsOf(answer.state, version);
    const chain = idsOf(answer.auth_chain, version);
    expect(chain.filter((id) => state.includes(id))).toEqual([]);
    const known = new Set([...chain, ...state]);
    const needed = [...pdus(answer.state), ...pdus(answer.auth_chain), answer.event as Pdu].flatMap(
      (pdu) => pdu.auth_events as string[],
    );
    expect(needed.filter((id) => !known.has(id))).toEqual([]);
  });

  test('includes the members after whom a room without a name is named', async () => {
    const roomId = await createRoom();
    const answer = await remote.join(roomId, newUser(), { omit_members: true });
    const members = pdus(answer.state).filter(({ type }) => type === 'm.room.member');
    expect(members.map(({ state_key }) => state_key)).toEqual([alice.userId]);
  });

  test('refuses versions that the other server does not support', async () => {
    const roomId = await createRoom({ room_version: '10' });
    const path = `/v1${pathOf('make_join', roomId, newUser())}`;
    for (const query of [{ ver: ['1', '9'] }, {}]) {
      const { status, json } = await remote.request('GET', path, { query });
      expect([status, json.errcode, json.room_version]).toEqual([400, 'M_INCOMPATIBLE_ROOM_VERSION', '10']);
    }
    const knock = await remote.request('GET', `/v1${pathOf('make_knock', roomId, newUser())}`, { query: { ver: '9' } });
    expect(knock.json.errcode).toBe('M_INCOMPATIBLE_ROOM_VERSION');
  });

  test('refuses users of other servers, banned users and rooms that need an invite', async () => {
    const roomId = await createRoom();
    const bob = newUser();
    const refused = async (userId: string, room = roomId) => {
      const { status, json } = await remote.make('join', room, userId);
      return [status, json.errcode];
    };
    expect(await refused(other.user('dora'))).toEqual([403, 'M_FORBIDDEN']);
    expect(await refused('nobody')).toEqual([400, 'M_INVALID_PARAM']);
    expect(await refused(bob, '!unknown:x')).toEqual([404, 'M_NOT_FOUND']);
    await setState(roomId, 'm.room.join_rules', { join_rule: 'invite' });
    expect(await refused(bob)).toEqual([403, 'M_FORBIDDEN']);
    await setState(roomId, 'm.room.join_rules', { join_rule: 'public' });
    const member = await remote.signed('join', roomId, bob);
    await alice.post(pathOf('rooms', roomId, 'ban'), { user_id: bob });
    expect(await refused(bob)).toEqual([403, 'M_FORBIDDEN']);
    // The rules may change between the template and the event.
    const { status, json } = await remote.send('join', roomId, member);
    expect([status, json.errcode]).toEqual([403, 'M_FORBIDDEN']);
    expect(await membership(roomId, bob)).toBe('ban');
  });

  test('refuses servers that its access control list denies', async () => {
    const roomId = await createRoom();
    const member = await remote.signed('join', roomId, newUser());
    const leaving = await other
      .join(roomId, other.user('dora'))
      .then(() => other.signed('leave', roomId, other.user('dora')));
    await setState(roomId, 'm.room.server_acl', { allow: [], deny: [] });
    const replies = [
      await remote.make('join', roomId, newUser()),
      await remote.make('leave', roomId, newUser()),
      await remote.make('knock', roomId, newUser()),
      await remote.send('join', roomId, member),
      await remote.send('knock', roomId, member),
      await other.send('leave', roomId, leaving),
    ];
    expect(replies.map(({ status, json }) => [status, json.errcode])).toEqual(replies.map(() => [403, 'M_FORBIDDEN']));
  });

  test('refuses events that are no joins of users of the sending server', async () => {
    const roomId = await createRoom();
    const bob = newUser();
    const sendChanged = async (changes: JsonObject, as = remote) => {
      const member = await remote.signed('join', roomId, bob, changes);
      const { status, json } = await as.send('join', roomId, member);
      return [status, json.errcode];
    };
    const bad = [400, 'M_INVALID_PARAM'];
    expect(await sendChanged({ type: 'm.room.message' })).toEqual(bad);
    expect(await sendChanged({ content: { membership: 'leave' } })).toEqual(bad);
    expect(await sendChanged({ state_key: remote.user('other') })).toEqual(bad);
    expect(await sendChanged({ sender: other.user('dora'), state_key: other.user('dora') })).toEqual(bad);
    expect(await sendChanged({ room_id: await createRoom() })).toEqual(bad);
    expect(await sendChanged({ depth: -1 })).toEqual(bad);
    expect(await sendChanged({}, other)).toEqual(bad);
    const member = await remote.signed('join', roomId, bob);
    const path = `/v2${pathOf('send_join', roomId, `$${'a'.repeat(43)}`)}`;
    expect((await remote.request('PUT', path, { body: member.pdu })).json.errcode).toBe('M_INVALID_PARAM');
    const unsigned = { ...member, pdu: { ...member.pdu, signatures: {} } };
    expect((await remote.send('join', roomId, unsigned)).json.errcode).toBe('M_INVALID_PARAM');
    expect(await membership(roomId, bob)).toBeUndefined();
  });

  test('answers the same join twice', async () => {
    const roomId = await createRoom();
    const member = await remote.signed('join', roomId, newUser());
    const replies = await Promise.all([1, 2].map(() => remote.send('join', roomId, member)));
    expect(replies.map(({ status }) => status)).toEqual([200, 200]);
    const { chunk } = await alice.get<{ chunk: ClientEvent[] }>(pathOf('rooms', roomId, 'messages'), { dir: 'b' });
    expect(chunk.filter(({ event_id }) => event_id === member.eventId)).toHaveLength(1);
  });

  test('is sent to the other servers in the room, also a leave', async () => {
    const roomId = await createRoom();
    const bob = newUser();
    await other.join(roomId, other.user('dora'));
    const join = await remote.signed('join', roomId, bob);
    await remote.send('join', roomId, join);
    const leave = await remote.signed('leave', roomId, bob);
    await remote.send('leave', roomId, leave);
    const sentPdus = () =>
      other.peer.received
        .filter(({ path }) => path.startsWith('/_matrix/federation/v1/send/'))
        .flatMap(({ body }) => (JSON.parse(body) as { pdus: Pdu[] }).pdus)
        .filter(({ sender }) => sender === bob);
    await expect.poll(() => sentPdus().map((pdu) => eventId(pdu, join.version))).toEqual([join.eventId, leave.eventId]);
  });

  test('is found by its alias together with the servers in it', async () => {
    const roomId = await createRoom({ room_alias_name: 'shared' });
    const alias = `#shared:${server.name}`;
    await remote.join(roomId, newUser());
    const answer = await other.call('GET', '/v1/query/directory', { query: { room_alias: alias } });
    expect(answer).toEqual({ room_id: roomId, servers: [server.name, remote.peer.name] });
    expect(await alice.get(pathOf('directory', 'room', alias))).toEqual(answer);
    await alice.post(pathOf('rooms', roomId, 'leave'));
    expect(await alice.get(pathOf('directory', 'room', alias))).toEqual({
      room_id: roomId,
      servers: [remote.peer.name],
    });
  });

  describe('and that is restricted', () => {
    const restrictedBy = async (...allowed: string[]) => {
      const roomId = await createRoom({ room_version: '10', preset: 'private_chat' });
      const allow = allowed.map((room_id) => ({ type: 'm.room_membership', room_id }));
      await setState(roomId, 'm.room.join_rules', { join_rule: 'restricted', allow });
      return roomId;
    };

    const rulesOf = (roomId: string) => alice.get(`${pathOf('rooms', roomId, 'state', 'm.room.join_rules')}/`);

    test('gets the signature of a server whose user may invite', async () => {
      const club = await createRoom({ room_version: '10' });
      const roomId = await restrictedBy(club);
      const bob = newUser();
      expect((await remote.make('join', roomId, bob)).json.errcode).toBe('M_FORBIDDEN');
      await remote.join(club, bob);
      const answer = await remote.join(roomId, bob);
      const event = answer.event as Pdu;
      expect(event.content.join_authorised_via_users_server).toBe(alice.userId);
      const rules = roomVersion('10');
      const { verify_keys } = (await (await fetch(`${server.url}/_matrix/key/v2/server`)).json()) as {
        verify_keys: Record<string, { key: string }>;
      };
      const [[keyId, { key }] = ['', { key: '' }]] = Object.entries(verify_keys);
      expect(rules && verifyPduSignature(event, rules, server.name, keyId, key)).toBe(true);
      expect(await membership(roomId, bob)).toBe('join');
    });

    test('refuses a join whose condition is not met, even if it names a member who may invite', async () => {
      const roomId = await restrictedBy(await createRoom());
      const rules = await rulesOf(roomId);
      await setState(roomId, 'm.room.join_rules', { join_rule: 'public' });
      const bob = newUser();
      const template = (await remote.make('join', roomId, bob)).json.event as JsonObject;
      await setState(roomId, 'm.room.join_rules', rules);
      const content = { membership: 'join', join_authorised_via_users_server: alice.userId };
      const member = remote.sign('10', { ...template, content } as never);
      expect((await remote.send('join', roomId, member)).json.errcode).toBe('M_FORBIDDEN');
      expect(await membership(roomId, bob)).toBeUndefined();
    });

    test('says that it cannot tell if it is not in the allowed rooms', async () => {
      const roomId = await restrictedBy('!unknown:elsewhere.example');
      const { status, json } = await remote.make('join', roomId, newUser());
      expect([status, json.errcode]).toEqual([400, 'M_UNABLE_TO_AUTHORISE_JOIN']);
    });

    test('says that another server has to grant the join if none of its users may invite', async () => {
      const club = await createRoom({ room_version: '10' });
      const roomId = await restrictedBy(club);
      const bob = newUser();
      await remote.join(club, bob);
      await setState(roomId, 'm.room.power_levels', { invite: 100, users: { [alice.userId]: 99 }, state_default: 50 });
      const { status, json } = await remote.make('join', roomId, bob);
      expect([status, json.errcode]).toEqual([400, 'M_UNABLE_TO_GRANT_JOIN']);
    });
  });

  test('accepts knocks and shows the room to the knocking user', async () => {
    const roomId = await createRoom({ name: 'Room', room_version: '10' });
    await setState(roomId, 'm.room.join_rules', { join_rule: 'knock' });
    const bob = newUser();
    const knock = await remote.signed('knock', roomId, bob);
    const { status, json } = await remote.send('knock', roomId, knock);
    expect(status).toBe(200);
    const shown = pdus(json.knock_room_state);
    expect(shown.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['m.room.create', 'm.room.name', 'm.room.join_rules']),
    );
    const rules = roomVersion('10');
    for (const pdu of shown) expect(rules && parsePdu(pdu, rules).refusal).toBeUndefined();
    expect(await membership(roomId, bob)).toBe('knock');
    const leave = await remote.signed('leave', roomId, bob);
    expect((await remote.send('leave', roomId, leave)).json).toEqual({});
    expect(await membership(roomId, bob)).toBe('leave');
  });

  test('refuses knocks where they are not permitted, and leaves of users who are not in the room', async () => {
    const roomId = await createRoom();
    expect((await remote.make('knock', roomId, newUser())).json.errcode).toBe('M_FORBIDDEN');
    expect((await remote.make('leave', roomId, newUser())).json.errcode).toBe('M_FORBIDDEN');
  });
});
