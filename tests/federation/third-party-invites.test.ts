import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Pdu } from '../../packages/protocol/src/events/event.ts';
import type { JsonObject } from '../../packages/protocol/src/json/value.ts';
import { roomVersion } from '../../packages/protocol/src/room-versions/rules.ts';
import { signingKeyFromSeed } from '../../packages/protocol/src/signing/ed25519.ts';
import { signJson } from '../../packages/protocol/src/signing/json.ts';
import { countersignPdu } from '../../packages/protocol/src/signing/pdu.ts';
import { call, pathOf, request } from '../support/client.ts';
import { type FederatingServer, startFederatingServer } from '../support/federating-server.ts';
import { type Peer, startPeer } from '../support/peer.ts';
import { RemoteServer } from '../support/remote-members.ts';
import type { SyncReply, TestUser } from '../support/user.ts';

/** The key of an identity server. */
const IDENTITY_KEY = signingKeyFromSeed(new Uint8Array(32).fill(66), 'ed25519:0');

/** Returns the statement of an identity server that a token belongs to a user. */
function signedFor(userId: string, token: string): JsonObject {
  return signJson({ mxid: userId, token, sender: '@anyone:elsewhere.example' }, 'identity.example', IDENTITY_KEY);
}

describe('an invite of a mail address', () => {
  let server: FederatingServer;
  let peer: Peer;
  let remote: RemoteServer;
  let alice: TestUser;
  let roomId: string;
  beforeAll(async () => {
    server = await startFederatingServer('127.0.0.46');
    peer = await startPeer(({ path, body }) => {
      if (path.includes('/exchange_third_party_invite/')) return [200, {}];
      if (!path.startsWith('/_matrix/federation/v2/invite/')) return [404, {}];
      const { event, room_version: id } = JSON.parse(body) as { event: Pdu; room_version: string };
      const version = roomVersion(id);
      return version === undefined ? [400, {}] : [200, { event: countersignPdu(event, version, peer.name, peer.key) }];
    });
    remote = new RemoteServer(peer, server);
    alice = await server.user('alice');
  });
  afterEach(() => expect(server.faults).toEqual([]));
  afterAll(async () => {
    await server.close();
    await peer.close();
  });

  /** Creates a room with an invite of a mail address. */
  const roomWithInvite = async (token: string) => {
    const created = await alice.post<{ room_id: string }>('/createRoom', { preset: 'private_chat' });
    roomId = created.room_id;
    await alice.put(pathOf('rooms', roomId, 'state', 'm.room.third_party_invite', token), {
      display_name: 'b…@example.org',
      key_validity_url: 'https://identity.example/valid',
      public_key: IDENTITY_KEY.publicKey,
      public_keys: [{ public_key: IDENTITY_KEY.publicKey }],
    });
  };
  const membership = async (userId: string) =>
    (await alice.request('GET', pathOf('rooms', roomId, 'state', 'm.room.member', userId))).json.membership;
  const exchange = (target: string, signed: JsonObject, changes: JsonObject = {}) => {
    const content = { membership: 'invite', third_party_invite: { display_name: 'x', signed } };
    const event = { type: 'm.room.member', room_id: roomId, sender: alice.userId, state_key: target, content };
    const body = { ...event, ...changes };
    return remote.request('PUT', `/v1${pathOf('exchange_third_party_invite', roomId)}`, { body });
  };

  test('becomes an invite of the user of another server to whom it belongs', async () => {
    await roomWithInvite('token');
    const bob = remote.user('bob');
    expect((await exchange(bob, signedFor(bob, 'token'))).json).toEqual({});
    expect(await membership(bob)).toBe('invite');
    const sent = peer.received.find(({ path }) => path.startsWith('/_matrix/federation/v2/invite/'));
    expect(JSON.parse(sent?.body ?? '')).toMatchObject({
      event: { sender: alice.userId, content: { third_party_invite: { display_name: 'b…@example.org' } } },
    });
  });

  test('is refused for other users, wrong signatures, unknown tokens and other inviters', async () => {
    await roomWithInvite('token');
    const bob = remote.user('bob');
    const refused = async (...given: Parameters<typeof exchange>) => {
      const { status, json } = await exchange(...given);
      return [status, json.errcode];
    };
    const signed = signedFor(bob, 'token');
    const forbidden = [403, 'M_FORBIDDEN'];
    expect(await refused(remote.user('other'), signed)).toEqual(forbidden);
    expect(await refused(bob, { ...signed, signatures: {} })).toEqual(forbidden);
    expect(await refused(bob, signedFor(bob, 'unknown'))).toEqual(forbidden);
    expect(await refused('@bob:elsewhere.example', signedFor('@bob:elsewhere.example', 'token'))).toEqual(forbidden);
    expect(await refused(bob, signed, { sender: '@other:elsewhere.example' })).toEqual(forbidden);
    const carol = await server.user();
    expect(await refused(bob, signed, { sender: carol.userId })).toEqual(forbidden);
    const bad = [400, 'M_INVALID_PARAM'];
    expect(await refused(bob, signed, { type: 'm.room.message' })).toEqual(bad);
    expect(await refused(bob, signed, { room_id: '!other:x' })).toEqual(bad);
    expect(await refused(bob, signed, { content: { membership: 'invite' } })).toEqual(bad);
    expect(await membership(bob)).toBeUndefined();
  });

  const bind = (mxid: string, invites: JsonObject[]) =>
    request({ server }, 'PUT', '/_matrix/federation/v1/3pid/onbind', {
      body: { medium: 'email', address: 'x@example.org', mxid, invites },
    });

  test('reaches a user of this server when the address is bound to the account', async () => {
    await roomWithInvite('token');
    const carol = await server.user();
    const invite = { room_id: roomId, sender: alice.userId, signed: signedFor(carol.userId, 'token') };
    expect((await bind(carol.userId, [invite])).json).toEqual({});
    const { rooms } = await call<SyncReply>(carol, 'GET', '/sync');
    expect(Object.keys(rooms?.invite ?? {})).toEqual([roomId]);
  });

  test('is asked for at the server of the inviter', async () => {
    const carol = await server.user();
    const signed = signedFor(carol.userId, 'token');
    const there = `!room:${peer.name}`;
    await bind(carol.userId, [
      { room_id: there, sender: remote.user('bob'), signed },
      { room_id: '!unknown:x', sender: alice.userId, signed },
      { room_id: there, sender: '@bob:127.0.0.1:1', signed },
    ]);
    const asked = peer.received.filter(({ path }) => path.includes('/exchange_third_party_invite/'));
    expect(asked.map(({ body }) => JSON.parse(body))).toMatchObject([{ state_key: carol.userId, room_id: there }]);
  });

  test('does not reach users of other servers and unknown users by a bound address', async () => {
    for (const userId of [remote.user('bob'), `@nobody:${server.name}`])
      expect((await bind(userId, [])).json.errcode).toBe('M_FORBIDDEN');
  });
});
