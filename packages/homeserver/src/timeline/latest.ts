import { NOT_LOADED, type Source } from '../platform/lookups/source.ts';
import type { Heads } from '../rooms/heads.ts';
import type { LatestEvents, TimelineStore } from '../storage/rooms/events/timeline-store.ts';

/**
 * The last `limit` events of rooms at a position, oldest first. Heads contain them for recent positions and are loaded
 * for that. For all other rooms they are read with one query.
 */
export class LatestEventNums {
  readonly source: Source<LatestEvents, readonly number[]>;

  constructor({ heads, timelines }: { readonly heads: Heads; readonly timelines: TimelineStore }) {
    const peek = ({ room, position, limit }: LatestEvents): readonly number[] | typeof NOT_LOADED =>
      heads.cached(room)?.latest(limit, position) ?? NOT_LOADED;
    this.source = {
      peek,
      async load(keys) {
        await heads.ensure(keys.map(({ room }) => room));
        const remembered = new Map(keys.map((key) => [key, peek(key)] as const));
        const found = await timelines.latestSource.load(keys.filter((key) => remembered.get(key) === NOT_LOADED));
        return (key) => {
          const nums = remembered.get(key);
          return nums === undefined || nums === NOT_LOADED ? found(key) : nums;
        };
      },
      idOf: ({ room, position, limit }) => `${room}/${position}/${limit}`,
    };
  }
}
