import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PduDraft } from '../../packages/protocol/src/events/event.ts';
import type { JsonObject, JsonValue } from '../../packages/protocol/src/json/value.ts';
import { pathOf } from '../support/client.ts';
import { type FederatingServer, startFederatingServer } from '../support/federating-server.ts';
import { startPeer } from '../support/peer.ts';
import { RemoteServer, type SignedMember } from '../support/remote-members.ts';
import type { TestUser } from '../support/user.ts';

const RUNS = { numRuns: 150, seed: 1 };

let server: FederatingServer;
let remote: RemoteServer;
let alice: TestUser;
let roomId: string;
let secret: string;
beforeAll(async () => {
  server = await startFederatingServer('127.0.0.47');
  remote = new RemoteServer(await startPeer(), server);
  alice = await server.user('alice');
  const create = async (preset: string) =>
    (await alice.post<{ room_id: string }>('/createRoom', { preset, room_version: '10' })).room_id;
  [roomId, secret] = [await create('public_chat'), await create('private_chat')];
});
afterAll(async () => {
  await server.close();
  await remote.peer.close();
});

const MEMBERS = [
  'auth_events',
  'content',
  'depth',
  'hashes',
  'origin_server_ts',
  'prev_events',
  'room_id',
  'sender',
  'state_key',
  'signatures',
  'type',
  'unsigned',
  'redacts',
];

/** Values in place of a member of an event. */
const values: fc.Arbitrary<JsonValue | undefined> = fc.oneof(
  fc.constant(undefined),
  fc.constant(null),
  fc.boolean(),
  fc.integer(),
  fc.string({ unit: 'binary' }).map((text) => text.toWellFormed()),
  fc.constant('x'.repeat(70_000)),
  fc.constant('\0'),
  fc.constantFrom('@bob', '@x:y', '!x:y', `$${'a'.repeat(43)}`),
  fc.array(
    fc.string({ unit: 'binary' }).map((text) => text.toWellFormed()),
    { maxLength: 30 },
  ),
  fc.array(fc.constant(`$${'b'.repeat(43)}`), { maxLength: 30 }),
  fc
    .dictionary(
      fc.constantFrom('membership', 'sha256', 'join_authorised_via_users_server', 'x'),
      fc.string({ unit: 'binary' }),
      {
        noNullPrototype: true,
      },
    )
    .map((object) => JSON.parse(JSON.stringify(object).toWellFormed()) as JsonObject),
);
const changes = fc.dictionary(fc.constantFrom(...MEMBERS), values, { minKeys: 1, maxKeys: 3, noNullPrototype: true });

/** Signs an event with changed members, or changes it after it was signed. */
function changed(
  event: PduDraft,
  changed_: Record<string, JsonValue | undefined>,
  isSigned: boolean,
): SignedMember | undefined {
  const draft = JSON.parse(JSON.stringify({ ...event, ...changed_ })) as PduDraft;
  try {
    if (isSigned) return remote.sign('10', draft);
    const signed = remote.sign('10', event);
    return { ...signed, pdu: JSON.parse(JSON.stringify({ ...signed.pdu, ...changed_ })) };
  } catch {
    return undefined;
  }
}

let count = 0;

test.each(['join', 'knock', 'leave'] as const)(
  'an odd %s of another server is refused, or changes one membership',
  async (kind) => {
    const statuses = new Set<number>();
    await fc.assert(
      fc.asyncProperty(changes, fc.boolean(), fc.boolean(), async (change, isSigned, isSecret) => {
        count += 1;
        const bob = remote.user(`bob${count}`);
        const template = (await remote.make('join', roomId, bob)).json.event as PduDraft;
        const content = { membership: kind };
        const room = isSecret ? secret : roomId;
        // In the secret room the event refers to events of the other room.
        const member = changed({ ...template, content, room_id: room }, change, isSigned);
        if (member === undefined) return;
        const { status, json } = await remote.send(kind, room, member);
        statuses.add(status);
        expect(status).toBeLessThan(500);
        if (status !== 200) expect(json.errcode).toMatch(/^M_/);
        else expect([kind, isSecret]).toEqual(['join', false]);
        const found = await alice.request('GET', pathOf('rooms', room, 'state', 'm.room.member', bob));
        expect(found.json.membership).toBe(status === 200 ? kind : undefined);
      }),
      RUNS,
    );
    expect([...statuses].sort((a, b) => a - b)).toEqual(kind === 'join' ? [200, 400, 403] : [400, 403]);
    expect(server.faults).toEqual([]);
    const members = await alice.get<{ joined: JsonObject }>(pathOf('rooms', secret, 'joined_members'));
    expect(Object.keys(members.joined)).toEqual([alice.userId]);
  },
  60_000,
);

test('an odd invite of another server is refused or shown', async () => {
  await fc.assert(
    fc.asyncProperty(changes, fc.boolean(), fc.array(values, { maxLength: 3 }), async (change, isSigned, state) => {
      count += 1;
      const event = {
        type: 'm.room.member',
        room_id: `!room${count}:${remote.peer.name}`,
        sender: remote.user('bob'),
        state_key: alice.userId,
        content: { membership: 'invite' },
        depth: 2,
        origin_server_ts: 1,
        auth_events: [],
        prev_events: [],
      };
      const invite = changed(event, change, isSigned);
      if (invite === undefined) return;
      const invite_room_state = state.filter((one) => one !== undefined);
      const path = `/v2${pathOf('invite', event.room_id, invite.eventId)}`;
      const body = { room_version: '10', event: invite.pdu, invite_room_state };
      const { status, json } = await remote.request('PUT', path, { body });
      expect(status).toBeLessThan(500);
      if (status !== 200) expect(json.errcode).toMatch(/^M_/);
    }),
    RUNS,
  );
  expect(server.faults).toEqual([]);
  await alice.get('/sync');
  expect(server.faults).toEqual([]);
}, 60_000);
