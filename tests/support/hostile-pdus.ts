import type { PduDraft } from '../../packages/protocol/src/events/event.ts';
import type { JsonObject, JsonValue } from '../../packages/protocol/src/json/value.ts';
import type { Dice } from './dice.ts';
import type { RemoteServer } from './remote-members.ts';

/** A text in events that the rules reject, so that no accepted event may contain it. */
export const REFUSED = 'refused-by-the-rules';
/** A text in events without a valid signature or format, so that no stored event may contain it. */
export const INVALID = 'invalid-event';

/** The facts about a room that a hostile server uses for its events. */
export interface HostileRoom {
  readonly version: string;
  readonly roomId: string;
  /** A user of the hostile server who has joined the room. */
  readonly mallory: string;
  /** A user of the server under test, who has created the room. */
  readonly alice: string;
  /** The members of an event that follows the room's last one: `auth_events`, `depth`, `prev_events`. */
  readonly place: PduDraft;
  /** The same of another room, which the hostile server has not joined. */
  readonly otherPlace: PduDraft;
  /** Events that the server under test has accepted. */
  readonly accepted: readonly JsonObject[];
}

type Kind = (room: HostileRoom, remote: RemoteServer, dice: Dice) => JsonValue;

const message = (room: HostileRoom, body: string, changes: object = {}): PduDraft => ({
  ...room.place,
  type: 'm.room.message',
  content: { msgtype: 'm.text', body },
  ...changes,
});
const state = (room: HostileRoom, type: string, key: string, content: JsonObject): PduDraft =>
  message(room, '', { type, state_key: key, content: { ...content, reason: REFUSED } });
const signed = (room: HostileRoom, remote: RemoteServer, draft: PduDraft): JsonObject => {
  try {
    return remote.sign(room.version, draft).pdu;
  } catch {
    // Some events have no canonical form. Their signature is wrong.
    return { ...draft, hashes: { sha256: 'AA' }, signatures: {} };
  }
};
const id = (dice: Dice) => `$${Buffer.from(dice.bytes(32)).toString('base64url')}`;
const reference = (room: HostileRoom, eventId: string): JsonValue =>
  Number(room.version) < 3 ? [eventId, { sha256: 'AA' }] : eventId;
const references = (room: HostileRoom, dice: Dice, count: number) =>
  Array.from({ length: count }, () => reference(room, id(dice)));

/** Values that no member of an event may have. */
const ODD: readonly JsonValue[] = [null, 1.5, true, 'odd', [[]], [null], [7], '\0', 'x'.repeat(300), -(2 ** 60)];
const MEMBERS = ['auth_events', 'content', 'depth', 'origin_server_ts', 'prev_events', 'room_id'] as const;

/** State events that need power which the sender does not have. */
const CLAIMS: readonly ((room: HostileRoom) => PduDraft)[] = [
  (room) => state(room, 'm.room.power_levels', '', { users: { [room.mallory]: 100 } }),
  (room) => state(room, 'm.room.power_levels', '', { users: { [room.mallory]: '100', x: [] } }),
  (room) => state(room, 'm.room.name', '', { name: REFUSED }),
  (room) => state(room, 'm.room.server_acl', '', { allow: [], deny: ['*'] }),
  (room) => state(room, 'm.room.tombstone', '', { replacement_room: '!x:y' }),
  (room) => state(room, 'm.room.join_rules', '', { join_rule: 'invite' }),
  (room) => state(room, 'm.room.history_visibility', '', { history_visibility: 'world_readable' }),
  (room) => state(room, 'm.room.member', room.alice, { membership: 'ban' }),
  (room) => state(room, 'm.room.member', room.alice, { membership: 'leave' }),
  (room) => state(room, 'm.room.member', room.alice, { membership: 'join' }),
  (room) => state(room, 'm.room.member', room.mallory, { membership: 'owner' }),
  (room) => state(room, 'm.room.member', room.mallory, { membership: 7 }),
  (room) => state(room, 'm.room.member', 'nobody', { membership: 'join' }),
  (room) => state(room, 'org.example.state', room.alice, {}),
];

const KINDS: Readonly<Record<string, Kind>> = {
  'a value that is no event': (_room, _remote, dice) => dice.pick<JsonValue>([null, 1, 'event', [], {}, [{}]]),
  'a member of a wrong type': (room, remote, dice) =>
    signed(room, remote, message(room, INVALID, { [dice.pick(MEMBERS)]: dice.pick(ODD) })),
  'a member that is missing': (room, remote, dice) => {
    const { [dice.pick([...MEMBERS, 'hashes', 'sender', 'type', 'signatures'])]: _, ...rest } = signed(
      room,
      remote,
      message(room, INVALID),
    );
    return rest;
  },
  'a long event': (room, remote) =>
    signed(room, remote, message(room, INVALID, { content: { body: INVALID, x: 'x'.repeat(70_000) } })),
  'a replay': ({ accepted }, _remote, dice) => dice.pick(accepted),
  'a wrong signature': (room, remote, dice) => {
    const pdu = signed(room, remote, message(room, INVALID));
    const { key, name } = remote.peer;
    const wrong = { [key.keyId]: Buffer.from(dice.bytes(64)).toString('base64').replaceAll('=', '') };
    const signatures: JsonObject[] = [
      {},
      { [name]: {} },
      { [name]: wrong },
      { [room.alice.split(':')[1] ?? '']: wrong },
    ];
    return { ...pdu, signatures: dice.pick(signatures) };
  },
  'a wrong hash': (room, remote) => ({
    ...signed(room, remote, message(room, 'text')),
    content: { msgtype: 'm.text', body: INVALID },
  }),
  'an event of a user of another server': (room, remote, dice) =>
    signed(room, remote, message(room, INVALID, { sender: dice.pick([room.alice, '@carol:third.test']) })),
  'earlier events of another room': (room, remote) =>
    signed(room, remote, message(room, REFUSED, { prev_events: room.otherPlace.prev_events })),
  'auth events of another room': (room, remote) =>
    signed(room, remote, message(room, REFUSED, { auth_events: room.otherPlace.auth_events })),
  'a room that the server is not in': (room, remote) =>
    signed(room, remote, { ...message(room, INVALID), ...room.otherPlace, type: 'm.room.message' }),
  'repeated auth events': (room, remote) => {
    const auth = room.place.auth_events as JsonValue[];
    return signed(room, remote, message(room, REFUSED, { auth_events: [...auth, ...auth] }));
  },
  'auth events that do not match': (room, remote, dice) => {
    const auth = room.place.auth_events as JsonValue[];
    const joined = room.accepted.flatMap(({ event_id }) => (typeof event_id === 'string' ? [event_id] : []));
    const wrong = [auth.slice(0, 1), [], joined.map((eventId) => reference(room, eventId))];
    return signed(room, remote, message(room, REFUSED, { auth_events: dice.pick(wrong.slice(0, 2)) }));
  },
  'an impossible depth': (room, remote, dice) =>
    signed(room, remote, message(room, INVALID, { depth: dice.pick<JsonValue>([-1, 1.5, 2 ** 64, '1', null]) })),
  'too many references': (room, remote, dice) => {
    const members = dice.pick([
      { prev_events: references(room, dice, 21) },
      { auth_events: references(room, dice, 11) },
    ]);
    return signed(room, remote, message(room, INVALID, members));
  },
  'references of another format': (room, remote, dice) => {
    const wrong = Number(room.version) < 3 ? id(dice) : [id(dice), { sha256: 'AA' }];
    return signed(room, remote, message(room, INVALID, { prev_events: [wrong] }));
  },
  'no earlier events': (room, remote) => signed(room, remote, message(room, REFUSED, { prev_events: [] })),
  'a power that the sender does not have': (room, remote, dice) => signed(room, remote, dice.pick(CLAIMS)(room)),
  'a second create event': (room, remote, dice) => {
    const places = [{}, { prev_events: [], auth_events: [] }];
    const content = { creator: room.mallory, room_version: room.version, reason: REFUSED };
    return signed(
      room,
      remote,
      message(room, '', { type: 'm.room.create', state_key: '', content, ...dice.pick(places) }),
    );
  },
  'a redaction of an event of another server': (room, remote) => {
    const redacts = room.place.prev_events?.[0] as JsonValue;
    const target = Array.isArray(redacts) ? redacts[0] : redacts;
    return signed(
      room,
      remote,
      message(room, '', { type: 'm.room.redaction', redacts: target, content: { redacts: target } }),
    );
  },
  'names that cannot be stored': (room, remote, dice) =>
    signed(
      room,
      remote,
      message(
        room,
        INVALID,
        dice.pick([{ type: `a\0${INVALID}` }, { state_key: '\0' }, { sender: `${room.mallory}\0` }]),
      ),
    ),
  'odd but valid members': (room, remote, dice) => {
    const odd: JsonObject[] = [
      { content: JSON.parse('{"__proto__":{"membership":"join"},"constructor":{},"\\u0000":"\\u0000"}') as JsonObject },
      { origin_server_ts: dice.pick([0, Number.MAX_SAFE_INTEGER, -1]) },
      { unsigned: { age: -1, redacted_because: {}, prev_content: [] }, origin: 5 },
      { redacts: dice.pick<JsonValue>([null, 7, '\0', {}]) },
      { content: { 'm.relates_to': { rel_type: 'm.replace', event_id: '\0'.repeat(300), key: '\0' } } },
      { content: { 'm.relates_to': { rel_type: '\0', event_id: id(dice) } }, type: 'm.reaction' },
    ];
    return signed(room, remote, message(room, 'odd', dice.pick(odd)));
  },
};

export const HOSTILE_KINDS = Object.keys(KINDS);

/** Returns an event, or another value, of a kind of {@link HOSTILE_KINDS}. */
export function hostilePdu(kind: string, room: HostileRoom, remote: RemoteServer, dice: Dice): JsonValue {
  const make = KINDS[kind];
  if (make === undefined) throw new Error(`there is no kind ${kind}`);
  return make(room, remote, dice);
}
