import { concat, joined, type Text } from '../../platform/long-text.ts';
import { complete, type Lookups } from '../../platform/lookups/lookups.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { MembershipRow } from '../../storage/rooms/membership-store.ts';
import { inBatches } from '../../timeline/render/state-text.ts';
import { passes, type RoomStateEvents, type RoomStates, type TimedRoom } from '../gather/room-state.ts';
import { newScanBudget, type RoomTimelines, type ScanBudget, spending } from '../gather/room-timeline.ts';
import type { SelectedRooms } from '../select/room-selection.ts';
import type { SelectedRoom } from '../select/selected-room.ts';
import type { FilteredEvents } from './filtered-events.ts';
import type { JoinedExtras } from './joined-extras.ts';
import { renderRooms, roomSlices } from './room-batches.ts';
import type { RoomNews } from './room-news.ts';
import type { SectionRequest } from './section-request.ts';
import { timelineText } from './section-texts.ts';
import type { StrippedState } from './stripped-state.ts';

interface Parts {
  readonly names: Names;
  readonly events: EventStore;
  readonly timelines: RoomTimelines;
  readonly states: RoomStates;
  readonly filtered: FilteredEvents;
  readonly extras: JoinedExtras;
  readonly stripped: StrippedState;
}

/** Renders the member `rooms` of a `/sync` answer. */
export class RoomSections {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Renders the member with a leading comma; empty if no room has changed. */
  async text(request: SectionRequest, selected: SelectedRooms, news: RoomNews): Promise<Text> {
    const sections: Text[] = [];
    const add = (name: string, rooms: Text) => {
      if (rooms !== '') sections.push(concat(`"${name}":{`, rooms, '}'));
    };
    if (selected.joined.length > 0) add('join', await this.#timed(request, selected.joined, news));
    if (selected.left.length > 0) add('leave', await this.#timed(request, selected.left, undefined));
    if (selected.peeked.length > 0) add('peek', await this.#timed(request, selected.peeked, undefined));
    if (selected.invited.length > 0) add('invite', await this.#outside(selected.invited, 'invite'));
    if (selected.knocked.length > 0) add('knock', await this.#outside(selected.knocked, 'knock'));
    return sections.length === 0 ? '' : concat(',"rooms":{', joined(sections, ','), '}');
  }

  #timed(request: SectionRequest, rooms: readonly SelectedRoom[], news: RoomNews | undefined): Promise<Text> {
    const budget = newScanBudget();
    return renderRooms(
      roomSlices(rooms, ({ nums }) => nums.length),
      (some) =>
        complete((lookups) =>
          spending(budget, (pass) => this.#sections(lookups, request, some, { news, budget: pass })),
        ),
    );
  }

  /** Renders the given rooms together. */
  #sections(
    lookups: Lookups,
    request: SectionRequest,
    rooms: readonly SelectedRoom[],
    { news, budget }: { readonly news: RoomNews | undefined; readonly budget: ScanBudget },
  ): Text[] {
    const { filter, reader, fullState, since, lazy } = request;
    const choice = { filter, stateAfter: request.stateAfter !== undefined, budget };
    const timed = lookups.each(rooms, (room) => ({
      room,
      timeline: this.#parts.timelines.timeline(lookups, reader, room, choice),
    }));
    const stateRequest = { since, fullState, after: choice.stateAfter, lazy, filter };
    const states = this.#parts.states.states(lookups, reader, timed, stateRequest);
    const sections = lookups.each(timed.entries(), ([i, one]) =>
      this.#section(lookups, request, one, { state: states[i] ?? NO_STATE, news }),
    );
    return sections.filter((section) => section !== '');
  }

  #section(
    lookups: Lookups,
    request: SectionRequest,
    timed: TimedRoom,
    { state, news }: { readonly state: RoomStateEvents; readonly news: RoomNews | undefined },
  ): Text {
    const { room, timeline } = timed;
    const hasState = state.events.length > 0 || state.later.length > 0;
    const isEmpty = timeline.shown.length === 0 && !hasState && !timeline.limited;
    const extras = news === undefined ? '' : this.#parts.extras.text(lookups, request, timed, hasState, news);
    if (isEmpty && extras === '' && !room.isNew && !request.fullState) return '';
    const id = JSON.stringify(lookups.get(this.#parts.names.textSource, room.row.room));
    const text = this.#timelineAndState(lookups, request, timed, state);
    return typeof text === 'string' ? `${id}:{${text}${extras}}` : concat(`${id}:{`, text, `${extras}}`);
  }

  #timelineAndState(
    lookups: Lookups,
    request: SectionRequest,
    { timeline, room }: TimedRoom,
    state: RoomStateEvents,
  ): Text {
    const { stateAfter, filter, reader } = request;
    const { shown, limited, first, last } = timeline;
    const { filtered } = this.#parts;
    const [texts, stateTexts] = lookups.both(
      () => filtered.texts(lookups, reader, filter, shown),
      () =>
        filtered.texts(
          lookups,
          reader,
          filter,
          state.events.map((event) => ({ event })),
        ),
    );
    const start = first?.seq ?? (last?.seq ?? 0) + 1;
    const hasStart = shown.length > 0 || limited || room.isNew;
    const ofTimeline = timelineText({ texts, limited, after: hasStart ? start - 1 : undefined });
    const name = stateAfter ?? 'state';
    if (state.later.length > 0)
      return concat(`${ofTimeline},"${name}":{"events":[`, this.#laterState(request, state.later), ']}');
    if (stateTexts.length === 0 && stateAfter === undefined) return ofTimeline;
    return `${ofTimeline},"${name}":{"events":[${stateTexts.join(',')}]}`;
  }

  /** Renders many state events while the answer is written. */
  #laterState({ filter, reader }: SectionRequest, later: readonly number[]): Text {
    const { events, filtered } = this.#parts;
    return inBatches(later, (nums) =>
      complete((lookups) => {
        const found = lookups.all(events.source, nums).filter((event) => event !== undefined);
        const shown = found.filter((event) => passes(event, filter)).map((event) => ({ event }));
        return filtered.texts(lookups, reader, filter, shown);
      }),
    );
  }

  /** Renders rooms that the user is invited to or has knocked on. */
  #outside(rows: readonly MembershipRow[], name: 'invite' | 'knock'): Promise<Text> {
    return renderRooms(
      roomSlices(rows, () => 1),
      (some) =>
        complete((lookups) => {
          const rooms = lookups.each(some, (row) => this.#parts.stripped.room(lookups, row));
          return rooms.flatMap((room) =>
            room === undefined
              ? []
              : `${JSON.stringify(room.head.roomId)}:{"${name}_state":{"events":[${room.events}]}}`,
          );
        }),
    );
  }
}

const NO_STATE: RoomStateEvents = { events: [], later: [] };
