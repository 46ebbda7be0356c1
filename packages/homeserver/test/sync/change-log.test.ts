import { expect, test } from 'vitest';
import { Dice } from '../../../../tests/support/dice.ts';
import type { Change } from '../../src/storage/engine/stream.ts';
import type { MembershipRow } from '../../src/storage/rooms/membership-store.ts';
import { type CachedMemberships, ChangeLog } from '../../src/sync/changes/change-log.ts';

const USERS = 12;
const ROOMS = 15;

type Rows = Map<number, Map<number, MembershipRow>>;

/** Creates random memberships of users in rooms. */
function memberships(dice: Dice): { readonly rows: Rows; readonly cached: CachedMemberships } {
  const rows: Rows = new Map();
  for (let user = 1; user <= USERS; user += 1) {
    const own = new Map<number, MembershipRow>();
    for (let room = 1; room <= ROOMS; room += 1) {
      const membership = dice.pick(['join', 'leave', 'none', 'none'] as const);
      if (membership !== 'none') own.set(room, { user, room, membership, event: 1, position: 1, forgotten: false });
    }
    rows.set(user, own);
  }
  const joined = (room: number) =>
    new Set([...rows].filter(([, own]) => own.get(room)?.membership === 'join').map(([user]) => user));
  const heads = { cached: (room: number) => ({ joined: joined(room) }) };
  const userRooms = { cached: (user: number) => (dice.chance(0.5) ? rows.get(user) : undefined) };
  return { rows, cached: { heads, userRooms } as unknown as CachedMemberships };
}

function randomChange(dice: Dice, position: number): Change {
  const [user, room] = [1 + dice.below(USERS), 1 + dice.below(ROOMS)];
  const kind = dice.pick([
    'event',
    'receipt',
    'typing',
    'account-data',
    'presence',
    'device-list',
    'to-device',
  ] as const);
  switch (kind) {
    case 'event':
      return { kind, position, room, event: position };
    case 'receipt':
      return { kind, position, room, user, private: dice.chance(0.5) };
    case 'typing':
      return { kind, position, room };
    case 'account-data':
      return { kind, position, user, room: dice.chance(0.5) ? room : null, type: 'x' };
    case 'to-device':
      return { kind, position, devices: new Map([[100 + user, user]]) };
    case 'device-list':
      return dice.chance(0.5) ? { kind, position, user, onlyFor: 1 + dice.below(USERS) } : { kind, position, user };
    case 'presence':
      return { kind, position, user };
  }
}

/** Returns whether a change concerns a user, computed without an index. */
function isFor(change: Change, user: number, rows: Rows): boolean {
  const own = rows.get(user) ?? new Map<number, MembershipRow>();
  const sharesRoom = (other: number) =>
    other === user ||
    [...own.values()].some(
      ({ room, membership }) => membership === 'join' && rows.get(other)?.get(room)?.membership === 'join',
    );
  switch (change.kind) {
    case 'event':
    case 'receipt':
    case 'typing':
    case 'whole-state':
      return own.has(change.room);
    case 'presence':
      return sharesRoom(change.user);
    case 'device-list':
      return change.onlyFor === undefined ? sharesRoom(change.user) : change.onlyFor === user;
    case 'to-device':
      return [...change.devices.values()].includes(user);
    default:
      return change.user === user;
  }
}

test.each([1, 2, 3, 4, 5])(
  'returns all changes that concern a user, and presence only of users in common rooms, seed %i',
  (seed) => {
    const dice = new Dice(seed);
    const { rows, cached } = memberships(dice);
    const listeners: ((changes: readonly Change[]) => void)[] = [];
    const log = new ChangeLog({ current: 0, listen: (listener) => listeners.push(listener) }, cached);
    const all: Change[] = [];
    for (let position = 1; position <= 400; position += 1) {
      const change = randomChange(dice, position);
      all.push(change);
      for (const listener of listeners) listener([change]);
    }
    for (const [user, own] of rows) {
      for (const since of [0, 100, 330, 360, 395, 400]) {
        const found = log.concerning(user, own, since) ?? [];
        const positions = found.map(({ position }) => position);
        expect(positions).toEqual([...positions].sort((a, b) => a - b));
        const wanted = all.filter((change) => change.position > since && isFor(change, user, rows));
        expect(found.filter((change) => isFor(change, user, rows))).toEqual(wanted);
        const presence = found.filter(({ kind }) => kind === 'presence' || kind === 'device-list');
        expect(presence.every((change) => isFor(change, user, rows))).toBe(true);
      }
    }
  },
);
