import type { AccountData } from '../account-data/account-data.ts';
import { concat, joined, type Text } from '../platform/long-text.ts';
import { type PduDeps, pdusOf } from '../rooms/events/pdu.ts';
import type { Heads } from '../rooms/heads.ts';
import type { StickyStore } from '../storage/rooms/events/sticky-events.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { MembershipRow, MembershipStore } from '../storage/rooms/membership-store.ts';
import { SYNC_FORMAT } from '../timeline/client-form.ts';
import { type HydrateDeps, hydrate, hydrateState, lookUpAhead, type Reader, type Shown } from '../timeline/hydrate.ts';
import { inBatches } from '../timeline/state-text.ts';
import { stickyEvents } from '../timeline/sticky.ts';
import { prepareVisibility, type VisibilityDeps } from '../timeline/visibility.ts';
import { marksAsRead, totalOf, type UnreadCounts } from '../unread/unread-counts.ts';
import { type EphemeralDeps, type EphemeralNews, ephemeralNews } from './ephemeral.ts';
import type { LazyChain } from './lazy-members-cache.ts';
import { prepareRooms, roomSlices } from './prepare-rooms.ts';
import type { SyncFilter } from './request.ts';
import { renderRooms } from './room-batches.ts';
import { passes, type RoomStateDeps, type RoomStateEvents, roomStates, type TimedRoom } from './room-state.ts';
import { newScanBudget, roomTimeline, type ScanBudget } from './room-timeline.ts';
import { timelineText, unreadText } from './section-texts.ts';
import { selectTexts } from './select-fields.ts';
import type { RoomWork, Skeleton, SkeletonDeps } from './skeleton.ts';
import { prepareStripped, strippedState } from './stripped-state.ts';
import { maySummaryChange, summaryText } from './summary.ts';

export interface RoomSectionDeps
  extends SkeletonDeps,
    HydrateDeps,
    VisibilityDeps,
    RoomStateDeps,
    EphemeralDeps,
    PduDeps {
  readonly heads: Heads;
  readonly memberships: MembershipStore;
  readonly accountData: AccountData;
  readonly unread: UnreadCounts;
  readonly sticky: StickyStore;
  readonly events: RoomStateDeps['events'];
  readonly names: RoomStateDeps['names'];
  readonly timelines: RoomStateDeps['timelines'];
}

/** The member for the state after the timeline, as specified and as clients from before that know it. */
export type StateAfterName = 'state_after' | 'org.matrix.msc4222.state_after';

/** The parts that the sections of one answer have in common. */
export interface SectionRequest {
  readonly user: number;
  readonly userId: string;
  readonly since: number | undefined;
  readonly upTo: number;
  readonly fullState: boolean;
  /** Under which name the state after the timeline is wanted, instead of the one before it. */
  readonly stateAfter: StateAfterName | undefined;
  readonly reader: Reader;
  readonly filter: SyncFilter;
  readonly rows: ReadonlyMap<number, MembershipRow>;
  /** See `Range`. */
  readonly lazy?: LazyChain | undefined;
}

/** The member `rooms` of an answer as JSON text with a leading comma; empty if nothing has happened in any room. */
export async function roomSections(deps: RoomSectionDeps, request: SectionRequest, skeleton: Skeleton): Promise<Text> {
  const news = await ephemeralNews(deps, request, skeleton);
  const works = withTouched(request, skeleton, news);
  const sections: Text[] = [];
  for (const [name, rooms] of [
    ['join', await timelineSections(deps, request, works, news)],
    ['leave', await timelineSections(deps, request, skeleton.left, undefined)],
    ['peek', await timelineSections(deps, request, skeleton.peeked, undefined)],
    ['invite', await strippedSections(deps, skeleton.invited, 'invite')],
    ['knock', await strippedSections(deps, skeleton.knocked, 'knock')],
  ] as const) {
    if (rooms !== '') sections.push(concat(`"${name}":{`, rooms, '}'));
  }
  return sections.length === 0 ? '' : concat(',"rooms":{', joined(sections, ','), '}');
}

/** Rooms with nothing new but receipts, typing or account data come along with an empty timeline. */
function withTouched({ rows }: SectionRequest, { joined }: Skeleton, news: EphemeralNews): RoomWork[] {
  const there = new Set(joined.map(({ row }) => row.room));
  const others = [...news.rooms()].flatMap((room) => {
    const row = rows.get(room);
    return row === undefined || there.has(room) || row.membership !== 'join'
      ? []
      : [{ row, isNew: false, nums: [], limited: false, after: 0 }];
  });
  return [...joined, ...others];
}

/** Rooms as JSON members. */
function timelineSections(
  deps: RoomSectionDeps,
  request: SectionRequest,
  works: readonly RoomWork[],
  news: EphemeralNews | undefined,
): Promise<Text> {
  const budget = newScanBudget();
  return renderRooms(
    roomSlices(works, ({ nums }) => nums.length),
    (some) => sectionsTogether(deps, request, some, { news, budget }),
  );
}

/** The sections of some rooms; what they need is read for all of them together. */
async function sectionsTogether(
  deps: RoomSectionDeps,
  request: SectionRequest,
  works: readonly RoomWork[],
  { news, budget }: { readonly news: EphemeralNews | undefined; readonly budget: ScanBudget },
): Promise<Text[]> {
  const { filter, reader, fullState } = request;
  const nums = works.flatMap((work) => (work.anchor === undefined ? work.nums : [...work.nums, work.anchor]));
  const events = await deps.events.load(nums);
  const fresh = works.filter(({ isNew, row }) => isNew && row.membership === 'join').map(({ row }) => row);
  await prepareRooms(deps, { num: request.user, id: request.userId }, fresh);
  await prepareVisibility(deps, reader.user, events.values());
  const rooms: TimedRoom[] = [];
  const wish = { since: request.since, fullState, after: request.stateAfter !== undefined, lazy: request.lazy };
  const choice = { filter, stateAfter: wish.after, budget };
  for (const work of works) rooms.push({ work, timeline: await roomTimeline(deps, reader, work, events, choice) });
  const states = await roomStates(deps, reader, rooms, wish, filter);
  await lookUpAhead(deps, reader, [...rooms.flatMap(shownIn), ...states.flatMap((state) => state.events)]);
  const ids = await deps.names.texts(works.map(({ row }) => row.room));
  const sections: Text[] = [];
  for (const [i, room] of rooms.entries()) {
    const state = states[i] ?? NO_STATE;
    const hasState = state.events.length > 0 || state.later.length > 0;
    const isEmpty = room.timeline.shown.length === 0 && !hasState && !room.timeline.limited;
    const more = news === undefined ? '' : await joinedExtras(deps, request, room, hasState, news);
    if (isEmpty && more === '' && !room.work.isNew && !fullState) continue;
    const id = JSON.stringify(ids.get(room.work.row.room) ?? '');
    const text = await timelineAndState(deps, request, room, state);
    sections.push(typeof text === 'string' ? `${id}:{${text}${more}}` : concat(`${id}:{`, text, `${more}}`));
  }
  return sections;
}

const NO_STATE: RoomStateEvents = { events: [], later: [] };

function shownIn({ timeline }: TimedRoom): StoredEvent[] {
  return timeline.shown.map(({ event }) => event);
}

async function timelineAndState(
  deps: RoomSectionDeps,
  request: SectionRequest,
  { timeline, work }: TimedRoom,
  state: RoomStateEvents,
): Promise<Text> {
  const { stateAfter, filter } = request;
  const texts = await eventTexts(deps, request, work, timeline.shown);
  const stateTexts = await eventTexts(
    deps,
    request,
    work,
    state.events.map((event) => ({ event })),
  );
  const start = timeline.first?.seq ?? (timeline.last?.seq ?? 0) + 1;
  const hasStart = timeline.shown.length > 0 || timeline.limited || work.isNew;
  const stateText =
    stateTexts.length === 0 && stateAfter === undefined
      ? ''
      : `,"${stateAfter ?? 'state'}":{"events":[${stateTexts.join(',')}]}`;
  const { limited } = timeline;
  const ofTimeline = timelineText({ texts, limited, after: hasStart ? start - 1 : undefined });
  if (state.later.length === 0) return ofTimeline + stateText;
  const later = inBatches(state.later, async (nums) => {
    const events = (await deps.events.list(nums)).filter((event) => passes(event, filter));
    return eventTexts(
      deps,
      request,
      work,
      events.map((event) => ({ event })),
    );
  });
  return concat(ofTimeline, `,"${stateAfter ?? 'state'}":{"events":[`, later, ']}');
}

/** Events in the form that the filter asks for (client-server API, "Filtering", `event_format`, `event_fields`). */
function eventTexts(
  deps: RoomSectionDeps,
  { reader, filter }: SectionRequest,
  { row }: RoomWork,
  shown: readonly Shown[],
): readonly string[] | Promise<readonly string[]> {
  const { federationFormat, fields } = filter;
  if (federationFormat) return federationTexts(deps, filter, row.room, shown);
  const texts = hydrate(deps, reader, shown, SYNC_FORMAT);
  return texts instanceof Promise ? texts.then((all) => selectTexts(all, fields)) : selectTexts(texts, fields);
}

async function federationTexts(
  deps: RoomSectionDeps,
  { fields }: SyncFilter,
  room: number,
  shown: readonly Shown[],
): Promise<readonly string[]> {
  const head = await deps.heads.byNum(room);
  if (head === undefined) return [];
  const events = shown.map(({ event }) => event);
  const pdus = await pdusOf(deps, head.version, events);
  return selectTexts(
    pdus.map((pdu) => JSON.stringify(pdu)),
    fields,
  );
}

/** The members that only joined rooms have; empty if neither they nor the timeline have news. */
async function joinedExtras(
  deps: RoomSectionDeps,
  request: SectionRequest,
  { work, timeline }: TimedRoom,
  hasState: boolean,
  news: EphemeralNews,
): Promise<string> {
  const { room } = work.row;
  const accountData = news.accountData(room);
  const ephemeral = news.events(room);
  const sticky = await stickyTexts(deps, request, work, timeline);
  const hasNews =
    timeline.shown.length > 0 ||
    hasState ||
    accountData.length > 0 ||
    ephemeral.length > 0 ||
    sticky.length > 0 ||
    isWhole(request, work) ||
    maySummaryChange(timeline);
  // Events that a filter leaves out count all the same.
  if (!hasNews && timeline.considered.length === 0) return '';
  const head = deps.heads.cached(room) ?? (await deps.heads.byNum(room));
  if (head === undefined) return '';
  const user = { num: request.user, id: request.userId };
  const unread = await deps.unread.of(user, head, work.row);
  const mayCount =
    totalOf(unread).notifications > 0 || timeline.considered.some((event) => marksAsRead(event, user.num));
  if (!hasNews && !mayCount) return '';
  const parts: string[] = [];
  if (accountData.length > 0) parts.push(`"account_data":{"events":[${accountData.join(',')}]}`);
  if (ephemeral.length > 0) parts.push(`"ephemeral":{"events":[${ephemeral.join(',')}]}`);
  if (sticky.length > 0) parts.push(`"msc4354_sticky":{"events":[${sticky.join(',')}]}`);
  parts.push(unreadText(unread, request.filter.threadCounts));
  if (isWhole(request, work) || maySummaryChange(timeline))
    parts.push(`"summary":${await summaryText(deps, head, request.user)}`);
  return `,${parts.join(',')}`;
}

/** Whether the client gets all there is to say of a room. */
function isWhole({ fullState }: SectionRequest, { isNew }: RoomWork): boolean {
  return isNew || fullState;
}

/** Sticky events that the timeline does not show (MSC4354). */
async function stickyTexts(
  deps: RoomSectionDeps,
  { since, upTo, reader, fullState }: SectionRequest,
  { row, isNew }: RoomWork,
  { shown }: TimedRoom['timeline'],
): Promise<readonly string[]> {
  const from = isNew || fullState ? 0 : (since ?? 0);
  const events = await stickyEvents(deps, reader, row.room, { since: from, upTo, now: deps.clock.now(), shown });
  return events.length === 0 ? [] : hydrateState(deps, reader, events, SYNC_FORMAT);
}

function strippedSections(
  deps: RoomSectionDeps,
  rows: readonly MembershipRow[],
  name: 'invite' | 'knock',
): Promise<Text> {
  return renderRooms(
    roomSlices(rows, () => 1),
    (some) => strippedTogether(deps, some, name),
  );
}

async function strippedTogether(
  deps: RoomSectionDeps,
  rows: readonly MembershipRow[],
  name: 'invite' | 'knock',
): Promise<string[]> {
  const members = await prepareStripped(deps, rows);
  const sections: string[] = [];
  for (const row of rows) {
    const member = members.get(row.event);
    if (member === undefined) continue;
    const head = await deps.heads.byNum(row.room);
    if (head === undefined) continue;
    const events = await strippedState(head, member);
    sections.push(`${JSON.stringify(head.roomId)}:{"${name}_state":{"events":[${events.join(',')}]}}`);
  }
  return sections;
}
