import { expect, test } from 'vitest';
import { complete } from '../../src/platform/lookups/lookups.ts';
import { sql, write } from '../../src/storage/engine/database.ts';
import { sqlite } from '../storage/engines.ts';
import { openWorld, reopenWorld } from '../support/world.ts';

const remove = sql('DELETE FROM events WHERE num = ?');

test('heads contain the same latest events as the database, at every position and for every limit', async () => {
  const world = await openWorld(sqlite);
  try {
    const alice = await world.person();
    const [short, long] = [await world.room(alice), await world.room(alice)];
    for (let i = 0; i < 3; i++) await world.say(alice, short, `message ${i}`);
    // The room has more events than a head contains.
    for (let i = 0; i < 200; i++) await world.say(alice, long, `message ${i}`);
    const rooms = [short.num, long.num];
    const last = world.stream.current;
    for (const position of [0, 3, last - 201, last - 199, last - 100, last - 1, last]) {
      for (const limit of [1, 2, 11, 64, 65, 500]) {
        const remembered = await complete((lookups) =>
          lookups.each(rooms, (room) => [room, lookups.get(world.latest.source, { room, position, limit })] as const),
        );
        const stored = await world.timelines.latestAt(rooms, position, limit);
        expect(new Map(remembered)).toEqual(new Map(stored));
      }
    }
    expect(short.latest(10, last)).toHaveLength(short.row.seq);
    expect(long.latest(10, last)).toHaveLength(10);
    expect(long.latest(150, last)).toBeUndefined();
  } finally {
    await world.end();
  }
});

test('a loaded head contains the end of the timeline after the last deleted event', async () => {
  const world = await openWorld(sqlite);
  try {
    const alice = await world.person();
    const head = await world.room(alice);
    const said = [];
    for (let i = 0; i < 5; i++) said.push(await world.say(alice, head, `message ${i}`));
    await world.database.commit([write(remove, said[1]?.num ?? 0)]);
    const loaded = await (await reopenWorld(world)).heads.get(head.roomId);
    const { seq } = loaded.row;
    expect(loaded.numsAfter(seq - 3)).toEqual(said.slice(2).map(({ num }) => num));
    expect(loaded.numsAfter(seq - 2)).toEqual(said.slice(3).map(({ num }) => num));
    expect([loaded.numsAfter(seq), loaded.numsAfter(seq - 4)]).toEqual([[], undefined]);
    expect(loaded.latest(4, world.stream.current)).toBeUndefined();
  } finally {
    await world.end();
  }
});
