import { expect, test } from 'vitest';
import type { Change } from '../../src/storage/engine/stream.ts';
import type { MembershipRow } from '../../src/storage/rooms/membership-store.ts';
import { type CachedMemberships, ChangeLog } from '../../src/sync/changes/change-log.ts';

const USER = 1;
const OTHER = 2;
const ROOM = 10;
const OTHER_ROOM = 20;
const JOINED: MembershipRow = { user: USER, room: ROOM, membership: 'join', event: 1, position: 1, forgotten: false };
const ROWS: ReadonlyMap<number, MembershipRow> = new Map([[ROOM, JOINED]]);
/** The maximum number of reads: more than a binary search needs, and much less than the number of unrelated changes. */
const READS_MAX = 100;

/** Returns one change of each indexed kind, all for another user. */
function unrelated(position: number): Change[] {
  return [
    { kind: 'event', position, room: OTHER_ROOM, event: position },
    { kind: 'receipt', position, room: OTHER_ROOM, user: OTHER, private: false },
    { kind: 'typing', position, room: OTHER_ROOM },
    { kind: 'account-data', position, user: OTHER, room: null, type: 'x' },
    { kind: 'to-device', position, devices: new Map([[100, OTHER]]) },
  ];
}

/** Returns a log with many unrelated changes and one change in the user's room, and the number of reads of the former. */
function logAfter(count: number) {
  const listeners: ((changes: readonly Change[]) => void)[] = [];
  const cached = { heads: { cached: () => undefined }, userRooms: { cached: () => undefined } };
  const log = new ChangeLog(
    { current: 0, listen: (listener) => listeners.push(listener) },
    cached as unknown as CachedMemberships,
  );
  let reads = 0;
  const counted = (change: Change) =>
    new Proxy(change, {
      get(target, name) {
        reads += 1;
        return Reflect.get(target, name);
      },
    });
  const add = (change: Change) => {
    for (const listener of listeners) listener([change]);
  };
  for (let i = 0; i < count; i += 5) for (const change of unrelated(i + 1)) add(counted(change));
  add({ kind: 'event', position: count + 1, room: ROOM, event: count + 1 });
  reads = 0;
  return { log, reads: () => reads };
}

const QUERIES = {
  concerning: (log: ChangeLog) => log.concerning(USER, ROWS, 0),
  inRooms: (log: ChangeLog) => log.inRooms(USER, new Set([ROOM]), 0),
};

test.each(['concerning', 'inRooms'] as const)('%s does not read the unrelated changes of the server', (name) => {
  const { log, reads } = logAfter(50_000);
  expect(QUERIES[name](log)).toEqual([{ kind: 'event', position: 50_001, room: ROOM, event: 50_001 }]);
  expect(reads()).toBeGreaterThan(0);
  expect(reads()).toBeLessThan(READS_MAX);
});
