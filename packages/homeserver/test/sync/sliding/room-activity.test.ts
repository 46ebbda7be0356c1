import { expect, test, vi } from 'vitest';
import { RoomActivity } from '../../../src/sync/sliding/room-activity.ts';
import { sqlite } from '../../storage/engines.ts';
import { openWorld } from '../../support/world.ts';

test('the latest event is cached if it is sent while an earlier one is read', async () => {
  const world = await openWorld(sqlite);
  try {
    const alice = await world.person();
    const head = await world.room(alice);
    const activity = new RoomActivity(world);
    const before = await world.rooms.lastEvents([head.num]);
    vi.spyOn(world.rooms, 'lastEvents').mockImplementationOnce(async () => {
      await world.say(alice, head, 'hello');
      return before;
    });
    const loaded = await activity.lastEventSource.load([head.num]);
    const latest = head.stored.lastEvent;
    expect(before.get(head.num)).toBeLessThan(latest);
    expect([loaded(head.num), activity.lastEventSource.peek(head.num)]).toEqual([latest, latest]);
  } finally {
    await world.end();
  }
});
