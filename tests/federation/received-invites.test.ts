import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Pdu } from '../../packages/protocol/src/events/event.ts';
import type { JsonObject } from '../../packages/protocol/src/json/value.ts';
import { roomVersion } from '../../packages/protocol/src/room-versions/rules.ts';
import { verifyPduSignature } from '../../packages/protocol/src/signing/pdu.ts';
import { pathOf } from '../support/client.ts';
import { type FederatingServer, startFederatingServer } from '../support/federating-server.ts';
import { FEDERATING, startPeer } from '../support/peer.ts';
import { RemoteServer, type SignedMember } from '../support/remote-members.ts';
import type { SyncReply, TestUser } from '../support/user.ts';

/** Starts a server and a peer that invites its users. */
async function start(host: string, federation: JsonObject = {}) {
  const server = await startFederatingServer(host, {
    federation: { ...FEDERATING.federation, ...federation },
  });
  const remote = new RemoteServer(await startPeer(), server);
  return { server, remote };
}

/** A room of a peer: its create event and an invite of a user. */
interface RemoteRoom {
  readonly roomId: string;
  readonly version: string;
  readonly create: SignedMember;
  readonly invite: SignedMember;
}

let count = 0;

/** Creates a room with an invite on a peer. */
function inviteBy(remote: RemoteServer, target: string, version = '10', changes: JsonObject = {}): RemoteRoom {
  count += 1;
  const common = { sender: remote.user('bob'), origin_server_ts: 1_000, auth_events: [], prev_events: [] };
  const named = version === '12' ? {} : { room_id: `!room${count}:${remote.peer.name}` };
  const content = { room_version: version, creator: common.sender };
  const create = remote.sign(version, {
    ...common,
    ...named,
    type: 'm.room.create',
    state_key: '',
    content,
    depth: 1 + count,
  });
  const roomId = named.room_id ?? `!${create.eventId.slice(1)}`;
  const event = {
    type: 'm.room.member',
    state_key: target,
    content: { membership: 'invite' },
    depth: 2,
    room_id: roomId,
  };
  return { roomId, version, create, invite: remote.sign(version, { ...common, ...event, ...changes }) };
}

function send(
  remote: RemoteServer,
  { roomId, version, invite }: RemoteRoom,
  state: readonly JsonObject[],
  changes: JsonObject = {},
) {
  const body = { room_version: version, event: invite.pdu, invite_room_state: [...state], ...changes };
  return remote.request('PUT', `/v2${pathOf('invite', roomId, invite.eventId)}`, { body });
}

describe('an invite of another server', () => {
  let server: FederatingServer;
  let remote: RemoteServer;
  let alice: TestUser;
  beforeAll(async () => {
    ({ server, remote } = await start('127.0.0.42'));
    alice = await server.user('alice');
  });
  afterEach(() => expect(server.faults).toEqual([]));
  afterAll(async () => {
    await server.close();
    await remote.peer.close();
  });

  const invitesOf = async (user: TestUser) => (await user.get<SyncReply>('/sync')).rooms?.invite ?? {};
  const isSignedHere = async (pdu: Pdu, version: string) => {
    const published = await fetch(`${server.url}/_matrix/key/v2/server`);
    const { verify_keys } = (await published.json()) as { verify_keys: Record<string, { key: string }> };
    const [[keyId, { key }] = ['', { key: '' }]] = Object.entries(verify_keys);
    const rules = roomVersion(version);
    return rules !== undefined && verifyPduSignature(pdu, rules, server.name, keyId, key);
  };

  test.each(['1', '3', '6', '10', '11', '12'])(
    'to a room of version %s is signed and shown to the user',
    async (version) => {
      const room = inviteBy(remote, alice.userId, version);
      const name = { type: 'm.room.name', state_key: '', sender: remote.user('bob'), content: { name: 'Room' } };
      const { status, json } = await send(remote, room, [room.create.pdu, name]);
      expect(status).toBe(200);
      const signed = json.event as Pdu;
      expect(await isSignedHere(signed, version)).toBe(true);
      expect({ ...signed, signatures: {} }).toEqual({ ...room.invite.pdu, signatures: {} });
      const shown = (await invitesOf(alice))[room.roomId]?.invite_state.events ?? [];
      expect(shown.map(({ type }) => type).sort()).toEqual(['m.room.create', 'm.room.member', 'm.room.name']);
    },
  );

  test.each(['1', '10'])('to a room of version %s is taken back only by events after it', async (version) => {
    const room = inviteBy(remote, alice.userId, version, { depth: 5 });
    await send(remote, room, [room.create.pdu]);
    const leave = { type: 'm.room.member', state_key: alice.userId, content: { membership: 'leave' } };
    const common = { ...leave, room_id: room.roomId, sender: remote.user('bob'), origin_server_ts: 2_000 };
    const deliver = async (depth: number, auth: readonly unknown[]) => {
      const { pdu } = remote.sign(version, { ...common, depth, auth_events: auth as string[], prev_events: [] });
      const body = { origin: remote.peer.name, origin_server_ts: 1, pdus: [pdu] };
      await remote.call('PUT', `/v1/send/${version}-${depth}`, { body });
    };
    const cited = version === '1' ? [room.invite.eventId, {}] : room.invite.eventId;
    // The end of an earlier ban, whose transaction is slower than the invite.
    await deliver(4, []);
    expect(Object.keys(await invitesOf(alice))).toContain(room.roomId);
    await deliver(3, [cited]);
    expect(Object.keys(await invitesOf(alice))).not.toContain(room.roomId);
  });

  test('is stored once when it is sent many times at once', async () => {
    const room = inviteBy(remote, alice.userId);
    const replies = await Promise.all(Array.from({ length: 8 }, () => send(remote, room, [room.create.pdu])));
    expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 200));
    expect(Object.keys(await invitesOf(alice))).toContain(room.roomId);
    const rows = await server.look(
      `SELECT num FROM events WHERE room = (SELECT num FROM names WHERE text = '${room.roomId}')`,
    );
    expect(rows).toHaveLength(1);
  });

  test('on the path of version 1 is signed', async () => {
    const room = inviteBy(remote, alice.userId, '1');
    const stripped = { type: 'm.room.name', state_key: '', sender: remote.user('bob'), content: { name: 'Room' } };
    const body = { ...room.invite.pdu, unsigned: { invite_room_state: [stripped] } };
    const reply = await remote.request('PUT', `/v1${pathOf('invite', room.roomId, room.invite.eventId)}`, { body });
    const [status, { event }] = JSON.parse(reply.text) as [number, { event: Pdu }];
    expect([reply.status, status, await isSignedHere(event, '1')]).toEqual([200, 200, true]);
    expect(Object.keys(await invitesOf(alice))).toContain(room.roomId);
  });

  test('with stripped state of the older format is accepted', async () => {
    const room = inviteBy(remote, alice.userId, '12');
    const { type, state_key, sender, content } = room.create.pdu;
    expect((await send(remote, room, [{ type, state_key: state_key ?? '', sender, content }])).status).toBe(200);
    expect((await send(remote, inviteBy(remote, alice.userId), [])).status).toBe(200);
  });

  test('is refused if the create event is that of another room', async () => {
    for (const version of ['10', '12']) {
      const room = inviteBy(remote, alice.userId, version);
      const other = inviteBy(remote, alice.userId, version);
      const { status, json } = await send(remote, room, [other.create.pdu]);
      expect([version, status, json.errcode]).toEqual([version, 400, 'M_INVALID_PARAM']);
    }
  });

  test('is refused if it is not an invite of a user of this server by one of the other', async () => {
    const sendChanged = async (changes: JsonObject) => {
      const room = inviteBy(remote, alice.userId, '10', changes);
      const { status, json } = await send(remote, room, []);
      return [status, json.errcode];
    };
    const bad = [400, 'M_INVALID_PARAM'];
    expect(await sendChanged({ content: { membership: 'join' } })).toEqual(bad);
    expect(await sendChanged({ type: 'm.room.message' })).toEqual(bad);
    expect(await sendChanged({ sender: '@bob:elsewhere.example' })).toEqual(bad);
    expect(await sendChanged({ state_key: remote.user('carol') })).toEqual(bad);
    expect(await sendChanged({ room_id: '!other:elsewhere.example' })).toEqual(bad);
    const room = inviteBy(remote, alice.userId);
    const unsigned = { ...room.invite, pdu: { ...room.invite.pdu, signatures: {} } };
    expect((await send(remote, { ...room, invite: unsigned }, [])).json.errcode).toBe('M_INVALID_PARAM');
    const renamed = { ...room.invite, eventId: `$${'a'.repeat(43)}` };
    expect((await send(remote, { ...room, invite: renamed }, [])).json.errcode).toBe('M_INVALID_PARAM');
  });

  test('is refused for unknown and deactivated users, users who block the invite, and unknown room versions', async () => {
    const refused = async (target: string, changes: JsonObject = {}) => {
      const { status, json } = await send(remote, inviteBy(remote, target), [], changes);
      return [status, json.errcode];
    };
    expect(await refused(`@nobody:${server.name}`)).toEqual([403, 'M_FORBIDDEN']);
    const blocking = await server.user();
    const type = 'm.invite_permission_config';
    await blocking.put(pathOf('user', blocking.userId, 'account_data', type), { default_action: 'block' });
    expect(await refused(blocking.userId)).toEqual([403, 'M_INVITE_BLOCKED']);
    const filtering = await server.user();
    const filter = pathOf('user', filtering.userId, 'account_data', 'org.matrix.msc4155.invite_permission_config');
    await filtering.put(filter, { blocked_servers: [remote.peer.name] });
    expect(await refused(filtering.userId)).toEqual([403, 'M_INVITE_BLOCKED']);
    await filtering.put(filter, { ignored_servers: [remote.peer.name] });
    expect(await refused(filtering.userId)).toEqual([200, undefined]);
    expect(await invitesOf(filtering)).toEqual({});
    expect(await refused(alice.userId, { room_version: '99' })).toEqual([400, 'M_INCOMPATIBLE_ROOM_VERSION']);
  });

  test('is refused by the access control list of a room that this server is in', async () => {
    const { room_id: roomId } = await alice.post<{ room_id: string }>('/createRoom', {
      preset: 'public_chat',
      room_version: '10',
    });
    const carol = await server.user();
    await remote.join(roomId, remote.user('bob'));
    const invite = inviteBy(remote, carol.userId, '10', { room_id: roomId }).invite;
    const room = { roomId, version: '10', create: invite, invite };
    expect((await send(remote, room, [])).status).toBe(200);
    await alice.put(`${pathOf('rooms', roomId, 'state', 'm.room.server_acl')}/`, { allow: [server.name], deny: ['*'] });
    const { status, json } = await send(remote, room, []);
    expect([status, json.errcode]).toEqual([403, 'M_FORBIDDEN']);
  });
});

describe('an invite for a server with strict checks (MSC4311)', () => {
  test('is accepted only with complete, signed events of the room', async () => {
    const { server, remote } = await start('127.0.0.43', { strict_invite_state: true });
    const alice = await server.user('alice');
    const room = inviteBy(remote, alice.userId);
    const { type, state_key, sender, content } = room.create.pdu;
    const stripped = { type, state_key: state_key ?? '', sender, content };
    const unsigned = { ...room.create.pdu, signatures: {} };
    for (const state of [[], [stripped], [unsigned], [room.create.pdu, inviteBy(remote, alice.userId).create.pdu]]) {
      const { status, json } = await send(remote, room, state);
      expect([status, json.errcode]).toEqual([400, 'M_INVALID_PARAM']);
    }
    expect((await send(remote, room, [room.create.pdu])).status).toBe(200);
    expect(server.faults).toEqual([]);
    await server.close();
    await remote.peer.close();
  });
});
