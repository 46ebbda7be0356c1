import { EVERYTHING } from '../../filters/filter.ts';
import { concat, type Text } from '../../platform/long-text.ts';
import type { Lookups } from '../../platform/lookups/lookups.ts';
import type { Reader } from '../../rooms/access.ts';
import type { Head } from '../../rooms/head.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { MembershipRow } from '../../storage/rooms/membership-store.ts';
import type { StateStore } from '../../storage/state/state-store.ts';
import { entries } from '../../storage/state/state-tree.ts';
import type { LatestEventNums } from '../../timeline/latest.ts';
import { streamToken, timelineToken } from '../../timeline/position.ts';
import { LEGACY_FORMAT } from '../../timeline/render/client-form.ts';
import type { EventRenderer } from '../../timeline/render/event-renderer.ts';
import { loadedTogether, type StateTexts } from '../../timeline/render/state-text.ts';
import { newScanBudget, type RoomTimelines } from '../gather/room-timeline.ts';
import { prepareFilter } from '../sync-filter.ts';

interface Parts {
  readonly events: EventStore;
  readonly states: StateStore;
  readonly latest: LatestEventNums;
  readonly timelines: RoomTimelines;
  readonly renderer: EventRenderer;
  readonly stateTexts: StateTexts;
}

/** A room that the reader has joined. */
export interface JoinedRoom {
  readonly row: MembershipRow;
  readonly head: Head;
}

/** The reader, the end of the answer in the stream, and the number of messages for each room. */
export interface JoinedRequest {
  readonly reader: Reader;
  readonly upTo: number;
  readonly limit: number;
}

const EVERYTHING_SHOWN = prepareFilter(EVERYTHING);

/** Renders `messages` and `state` of joined rooms for `/initialSync`. */
export class JoinedRooms {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Renders the given rooms together, in their order, each with a leading comma. */
  texts(lookups: Lookups, request: JoinedRequest, rooms: readonly JoinedRoom[]): Text[] {
    const { states } = this.#parts;
    const [messages, lists] = lookups.both(
      () => lookups.each(rooms, ({ row }) => this.#messages(lookups, request, row)),
      () =>
        lookups.each(rooms, ({ head }) =>
          entries(lookups.get(states.wholeSource, head.stored.root)).map(({ event }) => event),
        ),
    );
    const now = loadedTogether(lists);
    return lookups.each(lists.entries(), ([i, nums]) => {
      const state = now[i] === true ? this.#state(lookups, request, nums) : this.#laterState(request, nums);
      return concat(`${messages[i]},"state":[`, state, ']');
    });
  }

  #messages(lookups: Lookups, { reader, upTo, limit }: JoinedRequest, row: MembershipRow): string {
    const all = lookups.get(this.#parts.latest.source, { room: row.room, position: upTo, limit: limit + 1 });
    const room = { row, isNew: true, after: 0, nums: all.slice(-limit), limited: all.length > limit };
    const filter = { ...EVERYTHING_SHOWN, timelineLimit: limit };
    const choice = { filter, stateAfter: true, budget: newScanBudget() };
    const { shown, first, last } = this.#parts.timelines.timeline(lookups, reader, room, choice);
    const chunk = this.#parts.renderer.texts(lookups, reader, shown, LEGACY_FORMAT);
    const start = timelineToken((first?.seq ?? (last?.seq ?? 0) + 1) - 1);
    return messagesText(chunk, start, streamToken(upTo));
  }

  #state(lookups: Lookups, { reader }: JoinedRequest, nums: readonly number[]): string {
    const { events, renderer } = this.#parts;
    const found = lookups.all(events.source, nums).filter((event) => event !== undefined);
    const shown = found.map((event) => ({ event }));
    return renderer.texts(lookups, reader, shown, LEGACY_FORMAT).join(',');
  }

  #laterState({ reader }: JoinedRequest, nums: readonly number[]): Text {
    return this.#parts.stateTexts.later(reader, nums, { format: LEGACY_FORMAT });
  }
}

/** Renders the member `messages` with a leading comma. */
export function messagesText(chunk: readonly string[], start: string, end: string): string {
  return `,"messages":{"start":"${start}","end":"${end}","chunk":[${chunk.join(',')}]}`;
}
