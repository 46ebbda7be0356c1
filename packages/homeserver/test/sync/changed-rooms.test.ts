import { expect, test } from 'vitest';
import { complete } from '../../src/platform/lookups/lookups.ts';
import type { Change } from '../../src/storage/engine/stream.ts';
import { TIMELINE_READ_MAX } from '../../src/sync/select/changed-rooms.ts';
import { sqlite } from '../storage/engines.ts';
import { openWorld } from '../support/world.ts';

test('the change log returns as many events of a room as a query', async () => {
  const world = await openWorld(sqlite);
  try {
    const row = { user: 1, room: 7, membership: 'join', event: 1, position: 1, forgotten: false } as const;
    const rows = new Map([[7, row]]);
    const upTo = 2 * TIMELINE_READ_MAX;
    const logged = Array.from({ length: upTo }, (_, i): Change => {
      return { kind: 'event', position: i + 1, room: 7, event: i + 1 };
    });
    const range = { since: 0, upTo, rows, changes: logged };
    const { timelines } = await complete((lookups) => world.changes.in(lookups, rows, range));
    const nums = timelines.get(7) ?? [];
    expect([nums.length, nums[0], nums.at(-1)]).toEqual([TIMELINE_READ_MAX, TIMELINE_READ_MAX + 1, upTo]);
  } finally {
    await world.end();
  }
});
