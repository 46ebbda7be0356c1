import type { UserData } from '../../account-data/user-data.ts';
import { EVERYTHING } from '../../filters/filter.ts';
import { eachSlice } from '../../platform/concurrency/in-slices.ts';
import { concat, joined, type Text } from '../../platform/long-text.ts';
import { complete, type Lookups } from '../../platform/lookups/lookups.ts';
import type { Reader } from '../../rooms/access.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import { timelineToken } from '../../timeline/position.ts';
import { SYNC_FORMAT } from '../../timeline/render/client-form.ts';
import type { EventRenderer } from '../../timeline/render/event-renderer.ts';
import { inBatches, isLong } from '../../timeline/render/state-text.ts';
import type { LazyChain } from '../gather/lazy-members-cache.ts';
import { newScanBudget, type RoomTimelines, type ScanBudget, spending } from '../gather/room-timeline.ts';
import { roomSlices } from '../render/room-batches.ts';
import type { StrippedState } from '../render/stripped-state.ts';
import { prepareFilter } from '../sync-filter.ts';
import { directRooms } from './lists.ts';
import type { MemberParts } from './member-parts.ts';
import type { RequiredStates, RoomState, TimedSpan } from './required-state.ts';
import { isTimed, type RoomSpan, type SlidingRange } from './room-span.ts';
import { type StateSelections, selectionsOf } from './state-selection.ts';

interface Parts {
  readonly names: Names;
  readonly timelines: RoomTimelines;
  readonly states: RequiredStates;
  readonly renderer: EventRenderer;
  readonly members: MemberParts;
  readonly stripped: StrippedState;
}

/** The user of a request, and the range of its answer. */
export interface RoomAnswerRequest {
  readonly user: number;
  readonly userId: string;
  readonly reader: Reader;
  readonly lazy: LazyChain;
  readonly range: SlidingRange;
  readonly data: UserData;
}

/** One room of an answer. */
export interface RoomAnswer {
  readonly room: number;
  readonly roomId: string;
  readonly text: Text;
  /** Whether the client gets the whole room, even if it has parts of it. */
  readonly isInitial: boolean;
  /** Whether events between the client's position and the timeline were left out. */
  readonly limited: boolean;
  /** The ids of the events in the timeline. */
  readonly timeline: readonly string[];
}

/** The values that all rooms of one pass use. */
interface Pass {
  readonly selections: StateSelections;
  /** The ids of the rooms for direct messages. */
  readonly direct: ReadonlySet<string>;
  readonly budget: ScanBudget;
}

/** The types of events that increase a room's `bump_stamp`, because users open a room for them. */
const BUMPING: ReadonlySet<string> = new Set([
  'm.room.create',
  'm.room.message',
  'm.room.encrypted',
  'm.sticker',
  'm.call.invite',
  'm.poll.start',
  'm.beacon_info',
  'org.matrix.msc3381.poll.start',
  'org.matrix.msc3672.beacon_info',
]);

const EVERYTHING_SHOWN = prepareFilter(EVERYTHING);

/** Renders the rooms of an answer (MSC4186, "Room results"). */
export class RoomAnswers {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Returns the part of an answer for each room, except for rooms without changes. */
  answers(request: RoomAnswerRequest, spans: readonly RoomSpan[]): Promise<readonly RoomAnswer[]> {
    const direct = new Set(directRooms(request.data));
    const budget = newScanBudget();
    return eachSlice(
      roomSlices(spans, ({ room }) => room.nums.length),
      (some) =>
        complete((lookups) =>
          spending(budget, (pass) => this.#together(lookups, request, some, { direct, budget: pass })),
        ),
    );
  }

  #together(
    lookups: Lookups,
    request: RoomAnswerRequest,
    spans: readonly RoomSpan[],
    shared: Omit<Pass, 'selections'>,
  ): RoomAnswer[] {
    const rules = spans.flatMap(({ config, oldState }) => [config.state, oldState ?? []]);
    const user = { num: request.user, id: request.userId };
    const selections = selectionsOf(lookups, this.#parts.names, user, rules);
    const pass = { ...shared, selections };
    const answers = lookups.each(spans, (span) =>
      isTimed(span.row)
        ? this.#timedRoom(lookups, request, span, pass)
        : this.#outsideRoom(lookups, span, shared.direct),
    );
    return answers.filter((answer) => answer !== undefined);
  }

  #timedRoom(lookups: Lookups, request: RoomAnswerRequest, span: RoomSpan, pass: Pass): RoomAnswer | undefined {
    const { timelines, states, names } = this.#parts;
    const filter = { ...EVERYTHING_SHOWN, timelineLimit: span.config.limit };
    // Clients take state only from `required_state`.
    const choice = { filter, stateAfter: true, budget: pass.budget };
    const timeline = timelines.timeline(lookups, request.reader, span.room, choice);
    const timed = { span, timeline };
    const state = states.state(lookups, { lazy: request.lazy, selections: pass.selections }, timed);
    const isInitial = span.from === undefined;
    const { shown, considered, limited, last } = timeline;
    if (!isInitial && shown.length === 0 && state.events.length === 0 && considered.length === 0) return undefined;
    const { room } = span.row;
    const roomId = last?.roomId ?? lookups.get(names.textSource, room);
    const [events, rest] = lookups.both(
      () => this.#eventParts(lookups, request, timed, state),
      () => this.#memberParts(lookups, request, timed, state),
    );
    const parts: Text[] = [`"membership":"${span.row.membership}"`];
    if (isInitial) parts.push('"initial":true');
    if (span.isExpanded) parts.push('"unstable_expanded_timeline":true,"expanded_timeline":true');
    if (pass.direct.has(roomId)) parts.push('"is_dm":true');
    const text = joined([...parts, ...events, ...rest], ',');
    return { room, roomId, text, isInitial, limited, timeline: shown.map(({ event }) => event.eventId) };
  }

  /** Renders the state, the timeline and the position of the timeline. */
  #eventParts(
    lookups: Lookups,
    { reader, range: { since } }: RoomAnswerRequest,
    { span, timeline }: TimedSpan,
    state: RoomState,
  ): Text[] {
    const { renderer } = this.#parts;
    const { shown, first, last, limited, considered } = timeline;
    const isInitial = span.from === undefined;
    const [stateText, texts] = lookups.both(
      () => this.#stateText(lookups, reader, state.events),
      () => renderer.texts(lookups, reader, shown, SYNC_FORMAT),
    );
    const parts: Text[] = [];
    if (state.events.length > 0) parts.push(concat('"required_state":[', stateText, ']'));
    if (texts.length > 0) parts.push(`"timeline":[${texts.join(',')}]`);
    const begin = first?.seq ?? (last?.seq ?? 0) + 1;
    if (texts.length > 0 || limited || isInitial) parts.push(`"prev_batch":"${timelineToken(begin - 1)}"`);
    const live = since === undefined ? 0 : shown.filter(({ event }) => event.num > since).length;
    parts.push(`"limited":${limited}`, `"num_live":${live}`);
    const stamp = bumpStamp(considered, isInitial);
    if (stamp !== undefined) parts.push(`"bump_stamp":${stamp}`);
    return parts;
  }

  /** Renders state events; long lists while the answer is written. */
  #stateText(lookups: Lookups, reader: Reader, events: readonly StoredEvent[]): Text {
    const { renderer } = this.#parts;
    if (isLong(events)) return inBatches(events, (some) => renderer.renderState(reader, some, SYNC_FORMAT));
    const shown = events.map((event) => ({ event }));
    return renderer.texts(lookups, reader, shown, SYNC_FORMAT).join(',');
  }

  #memberParts(
    lookups: Lookups,
    { user, userId }: RoomAnswerRequest,
    { span, timeline }: TimedSpan,
    state: RoomState,
  ): string[] {
    const { members } = this.#parts;
    const isInitial = span.from === undefined;
    const changes = new Set(
      [...timeline.considered.filter(({ isState }) => isState), ...state.events].map(({ type }) => type),
    );
    const mayHaveChanged = (type: string) => isInitial || span.room.limited || changes.has(type);
    const naming = members.naming(lookups, state.root, mayHaveChanged);
    if (span.row.membership !== 'join') return naming;
    const mayHaveMoved = isInitial || timeline.limited || changes.has('m.room.member') || changes.has('m.room.name');
    return [...naming, ...members.counts(lookups, { num: user, id: userId }, span.row, mayHaveMoved)];
  }

  /** Renders the stripped state of an invitation or a knock (MSC4186, "Invite/knock/rejections"). */
  #outsideRoom(lookups: Lookups, { row, from }: RoomSpan, direct: ReadonlySet<string>): RoomAnswer | undefined {
    const stripped = this.#parts.stripped.room(lookups, row);
    if (stripped === undefined) return undefined;
    const { head, events } = stripped;
    const { num: room, roomId } = head;
    const parts = [`"membership":"${row.membership}"`, `"invite_state":[${events}]`, `"stripped_state":[${events}]`];
    if (from === undefined) parts.push('"initial":true');
    if (direct.has(roomId)) parts.push('"is_dm":true');
    parts.push(`"bump_stamp":${row.position}`);
    return { room, roomId, text: concat(parts.join(',')), isInitial: from === undefined, limited: false, timeline: [] };
  }
}

/**
 * Returns the number of the latest event of a type that bumps the room. If a new room has none, returns that of the
 * oldest event that was read.
 */
function bumpStamp(considered: readonly StoredEvent[], isInitial: boolean): number | undefined {
  const bumping = considered.findLast(({ type }) => BUMPING.has(type));
  return bumping?.num ?? (isInitial ? considered[0]?.num : undefined);
}
