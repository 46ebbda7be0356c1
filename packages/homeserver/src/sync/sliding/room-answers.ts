import { isObject, type JsonObject } from '@hearth/protocol/json/value.ts';
import type { UserData } from '../../account-data/user-data.ts';
import { EVERYTHING } from '../../filters/filter.ts';
import { eachSlice } from '../../platform/concurrency/in-slices.ts';
import { concat, joined, type Text } from '../../platform/long-text.ts';
import type { Head } from '../../rooms/head.ts';
import type { Heads } from '../../rooms/heads.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { NodeRef } from '../../storage/state/state-node.ts';
import { SYNC_FORMAT } from '../../timeline/client-form.ts';
import { type HydrateDeps, hydrate, hydrateState, lookUpAhead, type Reader } from '../../timeline/hydrate.ts';
import { timelineToken } from '../../timeline/position.ts';
import { listText } from '../../timeline/state-text.ts';
import { prepareVisibility, type VisibilityDeps } from '../../timeline/visibility.ts';
import { totalOf, type UnreadCounts } from '../../unread/unread-counts.ts';
import type { LazyChain } from '../lazy-members-cache.ts';
import { prepareRooms, roomSlices } from '../prepare-rooms.ts';
import { prepareFilter } from '../request.ts';
import { newScanBudget, type RoomTimelineDeps, roomTimeline } from '../room-timeline.ts';
import { prepareStripped, strippedState } from '../stripped-state.ts';
import { heroesOf } from '../summary.ts';
import { directRooms } from './lists.ts';
import { eventAt, type RequiredStateDeps, type RoomState, requiredStates, type TimedSpan } from './required-state.ts';
import { isTimed, type Range, type RoomSpan } from './room-span.ts';
import { selectionsOf } from './state-selection.ts';

export interface RoomAnswerDeps extends RequiredStateDeps, HydrateDeps, VisibilityDeps, RoomTimelineDeps {
  readonly names: RequiredStateDeps['names'];
  readonly states: RequiredStateDeps['states'];
  readonly events: RoomTimelineDeps['events'];
  readonly timelines: RoomTimelineDeps['timelines'];
  readonly heads: Heads;
  readonly unread: UnreadCounts;
  readonly memberships: Parameters<typeof heroesOf>[0]['memberships'];
}

/** The user who asks, and the range of the answer. */
export interface AnswerRequest {
  readonly user: number;
  readonly userId: string;
  readonly reader: Reader;
  readonly lazy: LazyChain;
  readonly range: Range;
  readonly data: UserData;
}

/** One room of an answer. */
export interface RoomAnswer {
  readonly room: number;
  readonly roomId: string;
  readonly text: Text;
  /** The client gets all of the room, whatever it had of it. */
  readonly isInitial: boolean;
  /** Whether events between what the client had and the timeline were left out. */
  readonly limited: boolean;
  /** The ids of the events in the timeline. */
  readonly timeline: readonly string[];
}

/** Events that make a room's `bump_stamp` rise: what a person would open the room for. */
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

/** Returns the part of an answer for each room (MSC4186, "Room results"); rooms without news are missing. */
export function roomAnswers(
  deps: RoomAnswerDeps,
  request: AnswerRequest,
  spans: readonly RoomSpan[],
): Promise<readonly RoomAnswer[]> {
  return eachSlice(
    roomSlices(spans, ({ work }) => work.nums.length),
    (some) => answersTogether(deps, request, some),
  );
}

/** The answers for some rooms; what they need is read for all of them together. */
async function answersTogether(
  deps: RoomAnswerDeps,
  request: AnswerRequest,
  spans: readonly RoomSpan[],
): Promise<RoomAnswer[]> {
  const nums = spans.flatMap(({ work }) => (work.anchor === undefined ? work.nums : [...work.nums, work.anchor]));
  const events = await deps.events.load(nums);
  const fresh = spans.filter(({ from, row }) => from === undefined && row.membership === 'join');
  await prepareRooms(
    deps,
    { num: request.user, id: request.userId },
    fresh.map(({ row }) => row),
  );
  await prepareVisibility(deps, request.reader.user, events.values());
  const timed: TimedSpan[] = [];
  const budget = newScanBudget();
  for (const span of spans) {
    if (!isTimed(span.row)) continue;
    const filter = { ...prepareFilter(EVERYTHING), timelineLimit: span.config.limit };
    // Clients take state from `required_state` only.
    const choice = { filter, stateAfter: true, budget };
    timed.push({ span, timeline: await roomTimeline(deps, request.reader, span.work, events, choice) });
  }
  const rules = timed.flatMap(({ span }) => [span.config.state, span.oldState ?? []]);
  const selections = await selectionsOf(deps.names, { num: request.user, id: request.userId }, rules);
  const { lazy, reader, data } = request;
  const states = await requiredStates(deps, { lazy, reader, selections }, timed);
  const shown = timed.flatMap(({ timeline }) => timeline.shown.map(({ event }) => event));
  await lookUpAhead(deps, reader, [...shown, ...states.flatMap((state) => state.events)]);
  const direct = new Set(directRooms(data));
  const answers: RoomAnswer[] = [];
  for (const [i, room] of timed.entries()) {
    const answer = await timedRoom(
      deps,
      request,
      { ...room, state: states[i] ?? { events: [], root: undefined } },
      direct,
    );
    if (answer !== undefined) answers.push(answer);
  }
  const outside = spans.filter(({ row }) => !isTimed(row));
  const memberEvents = await prepareStripped(
    deps,
    outside.map(({ row }) => row),
  );
  for (const span of outside) {
    const answer = await outsideRoom(deps, span, memberEvents.get(span.row.event), direct);
    if (answer !== undefined) answers.push(answer);
  }
  return answers;
}

interface StatedSpan extends TimedSpan {
  readonly state: RoomState;
}

async function timedRoom(
  deps: RoomAnswerDeps,
  request: AnswerRequest,
  { span, timeline, state }: StatedSpan,
  direct: ReadonlySet<string>,
): Promise<RoomAnswer | undefined> {
  const { row, from, work } = span;
  const { shown, first, last } = timeline;
  const isInitial = from === undefined;
  if (!isInitial && shown.length === 0 && state.events.length === 0 && timeline.considered.length === 0)
    return undefined;
  const roomId = last?.roomId ?? (await deps.names.text(row.room));
  const parts: Text[] = [`"membership":"${row.membership}"`];
  if (isInitial) parts.push('"initial":true');
  if (span.isExpanded) parts.push('"unstable_expanded_timeline":true,"expanded_timeline":true');
  if (direct.has(roomId)) parts.push('"is_dm":true');
  if (state.events.length > 0) {
    const text = await listText(state.events, async (some) => hydrateState(deps, request.reader, some, SYNC_FORMAT));
    parts.push(concat('"required_state":[', text, ']'));
  }
  if (shown.length > 0)
    parts.push(`"timeline":[${(await hydrate(deps, request.reader, shown, SYNC_FORMAT)).join(',')}]`);
  const begin = first?.seq ?? (last?.seq ?? 0) + 1;
  if (shown.length > 0 || timeline.limited || isInitial) parts.push(`"prev_batch":"${timelineToken(begin - 1)}"`);
  parts.push(`"limited":${timeline.limited}`);
  const { since } = request.range;
  parts.push(`"num_live":${since === undefined ? 0 : shown.filter(({ event }) => event.num > since).length}`);
  const stamp = bumpStamp(timeline.considered, isInitial);
  if (stamp !== undefined) parts.push(`"bump_stamp":${stamp}`);
  const changes = new Set(
    [...timeline.considered.filter(({ isState }) => isState), ...state.events].map(({ type }) => type),
  );
  parts.push(...(await naming(deps, state.root, (type) => isInitial || work.limited || changes.has(type))));
  if (row.membership === 'join') {
    const head = await deps.heads.byNum(row.room);
    if (head !== undefined) {
      const mayHaveMoved = isInitial || timeline.limited || changes.has('m.room.member') || changes.has('m.room.name');
      parts.push(...(await members(deps, request, { span, head }, mayHaveMoved)));
    }
  }
  const ids = shown.map(({ event }) => event.eventId);
  return { room: row.room, roomId, text: joined(parts, ','), isInitial, limited: timeline.limited, timeline: ids };
}

/** The number of the latest event that matters to people; for a new room of those considered, or the oldest of them. */
function bumpStamp(considered: readonly StoredEvent[], isInitial: boolean): number | undefined {
  const bumping = considered.findLast(({ type }) => BUMPING.has(type));
  return bumping?.num ?? (isInitial ? considered[0]?.num : undefined);
}

/** The room's name and picture, if they may have changed. */
async function naming(
  deps: RoomAnswerDeps,
  root: NodeRef | undefined,
  mayHaveChanged: (type: string) => boolean,
): Promise<string[]> {
  const wanted = [
    ['name', 'm.room.name', 'name'],
    ['avatar', 'm.room.avatar', 'url'],
  ] as const;
  const asked = wanted.filter(([, type]) => mayHaveChanged(type));
  if (root === undefined || asked.length === 0) return [];
  const nums = await deps.names.nums(['', ...asked.map(([, type]) => type)]);
  const keys = asked.map(([, type]) => ({ type: nums.get(type) ?? 0, stateKey: nums.get('') ?? 0 }));
  await deps.states.loadKeys([root], keys);
  const found = keys.map(({ type, stateKey }) => eventAt(root, type, stateKey));
  const events = await deps.events.load(found.filter((num) => num !== undefined));
  return asked.flatMap(([name, , field], i) => {
    const value = events.get(found[i] ?? -1)?.content[field];
    return typeof value === 'string' && value !== '' ? `"${name}":${JSON.stringify(value)}` : [];
  });
}

/** The members that only members of a room get. */
async function members(
  deps: RoomAnswerDeps,
  { user, userId }: AnswerRequest,
  { span, head }: { readonly span: RoomSpan; readonly head: Head },
  mayHaveMoved: boolean,
): Promise<string[]> {
  const { notifications, highlights } = totalOf(await deps.unread.of({ num: user, id: userId }, head, span.row));
  const parts = [`"notification_count":${notifications}`, `"highlight_count":${highlights}`];
  if (!mayHaveMoved) return parts;
  parts.push(`"joined_count":${head.stored.joined}`, `"invited_count":${head.stored.invited}`);
  const heroes = await heroesOf(deps, head, user);
  if (heroes !== undefined && heroes.length > 0)
    parts.push(`"heroes":${JSON.stringify(await heroObjects(deps, head, heroes))}`);
  return parts;
}

async function heroObjects(deps: RoomAnswerDeps, head: Head, heroes: readonly number[]): Promise<JsonObject[]> {
  const ids = await deps.names.texts(heroes);
  const all = heroes.flatMap((num) => ids.get(num) ?? []);
  await head.ensure(all.map((userId) => ['m.room.member', userId] as const));
  return all.map((userId) => {
    const content = head.known('m.room.member', userId)?.content;
    const { displayname, avatar_url } = isObject(content) ? content : {};
    return {
      user_id: userId,
      ...(typeof displayname === 'string' ? { displayname } : {}),
      ...(typeof avatar_url === 'string' ? { avatar_url } : {}),
    };
  });
}

/** An invitation or a knock: what outsiders are told (MSC4186, "Invite/knock/rejections"). */
async function outsideRoom(
  deps: RoomAnswerDeps,
  { row, from }: RoomSpan,
  member: StoredEvent | undefined,
  direct: ReadonlySet<string>,
): Promise<RoomAnswer | undefined> {
  const head = await deps.heads.byNum(row.room);
  if (member === undefined || head === undefined) return undefined;
  const stripped = `[${(await strippedState(head, member)).join(',')}]`;
  const parts = [`"membership":"${row.membership}"`, `"invite_state":${stripped}`, `"stripped_state":${stripped}`];
  if (from === undefined) parts.push('"initial":true');
  if (direct.has(head.roomId)) parts.push('"is_dm":true');
  parts.push(`"bump_stamp":${row.event}`);
  const { num: room, roomId } = head;
  return { room, roomId, text: parts.join(','), isInitial: from === undefined, limited: false, timeline: [] };
}
