import { asObject, type JsonObject } from '@hearth/protocol/json/value.ts';
import { expect, test, vi } from 'vitest';
import { EVERYTHING } from '../../src/filters/filter.ts';
import { Cancellation } from '../../src/platform/concurrency/cancellation.ts';
import { wholeText } from '../../src/platform/long-text.ts';
import { sqlite } from '../storage/engines.ts';
import { openWorld } from '../support/world.ts';

test('a peek that begins during a request is returned in the next answer only', async () => {
  const world = await openWorld(sqlite);
  try {
    const [alice, bob] = [await world.person(), await world.person()];
    const head = await world.room(alice);
    await world.setState(alice, head, 'm.room.history_visibility', { history_visibility: 'world_readable' });
    /** Returns the end of the answer, and whether it contains the room. */
    const sync = async (since: number) => {
      const text = await world.sync.respond({
        ...bob,
        since,
        filter: EVERYTHING,
        fullState: false,
        stateAfter: undefined,
        presence: 'offline',
        timeoutMs: 0,
        cancellation: () => new Cancellation(),
      });
      const reply = JSON.parse(await wholeText(text)) as JsonObject & { next_batch: string };
      const isThere = asObject(asObject(reply.rooms)?.peek)?.[head.roomId] !== undefined;
      return { end: Number(reply.next_batch.slice(1)), isThere };
    };
    vi.spyOn(world.inbox, 'receive').mockImplementationOnce(async () => {
      await world.peeks.begin(bob, head);
      return { texts: [], through: undefined };
    });
    const first = await sync(world.stream.current);
    const second = await sync(first.end);
    const third = await sync(second.end);
    expect([first.isThere, second.isThere, third.isThere]).toEqual([false, true, false]);
  } finally {
    await world.end();
  }
});
