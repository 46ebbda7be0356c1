import type { InvitePermission } from '../account-data/invite-permission.ts';
import { GLOBAL } from '../account-data/user-data.ts';
import { EVERYTHING } from '../filters/filter.ts';
import { concat, type Text } from '../platform/long-text.ts';
import { isVisible, receiptContent } from '../receipts/content.ts';
import { type RoomAccess, roomAccess, seesPresent, visibleStateNums } from '../rooms/access.ts';
import type { AccountDataRow } from '../storage/accounts/account-data.ts';
import { eventsOf } from '../storage/rooms/events/event-store.ts';
import type { RelationStore } from '../storage/rooms/events/relation-store.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { MembershipRow } from '../storage/rooms/membership-store.ts';
import type { RoomRow, RoomStore } from '../storage/rooms/room-store.ts';
import { entries } from '../storage/state/state-tree.ts';
import { LEGACY_FORMAT } from '../timeline/client-form.ts';
import { hydrate, lookUpAhead, type Reader, readerOf, type Shown } from '../timeline/hydrate.ts';
import { latestEvents } from '../timeline/latest.ts';
import { messagesPage } from '../timeline/messages.ts';
import { streamToken, timelineToken } from '../timeline/position.ts';
import { loadedTogether, stateText } from '../timeline/state-text.ts';
import { prepareVisibility } from '../timeline/visibility.ts';
import type { EventStreamDeps } from './event-stream.ts';
import { plainEvent } from './plain-event.ts';
import { roomSlices } from './prepare-rooms.ts';
import { prepareFilter } from './request.ts';
import { renderRooms } from './room-batches.ts';
import { newScanBudget, roomTimeline } from './room-timeline.ts';
import { invitations } from './skeleton.ts';

export interface InitialSyncDeps extends EventStreamDeps {
  readonly rooms: RoomStore;
  readonly invitePermission: InvitePermission;
  readonly relations: RelationStore;
}

export interface InitialSyncRequest {
  readonly user: number;
  readonly device: number;
  /** Messages for each room. */
  readonly limit: number | undefined;
  /** Whether rooms that the user has left are shown. */
  readonly archived: boolean;
}

const EVERYTHING_SHOWN = prepareFilter(EVERYTHING);
const LIMIT_DEFAULT = 10;
const LIMIT_MAX = 1000;

/** `GET /initialSync` (client-server API, "Get the user's current state"), as JSON text. */
export async function initialSync(deps: InitialSyncDeps, request: InitialSyncRequest): Promise<Text> {
  const { user } = request;
  await deps.presences.synced(request, 'online', 0);
  const upTo = deps.stream.current;
  const limit = Math.min(request.limit ?? LIMIT_DEFAULT, LIMIT_MAX);
  const reader = readerOf(request, await deps.ignoredUsers.of(user));
  const hides = { ignored: reader.ignored, blocks: await deps.invitePermission.blocks(user) };
  const all = [...(await deps.userRooms.of(user)).values()].filter((row) => isShown(row, request.archived));
  const hidden = new Set((await invitations(deps, all, hides)).hidden);
  const rows = all.filter((row) => !hidden.has(row));
  const rooms = await renderRooms(
    roomSlices(rows, () => limit),
    (some) => roomTexts(deps, reader, some, limit, upTo),
  );
  const presence = await presenceTexts(deps, await deps.presences.changedSince(user, undefined));
  const joined = rows.filter(({ membership }) => membership === 'join').map(({ room }) => room);
  const receipts = await receiptTexts(deps, user, joined);
  const data = [...(await deps.accountData.of(user)).global()].map(accountDataText);
  const lists = `"presence":[${presence.join(',')}],"account_data":[${data.join(',')}],"receipts":[${receipts.join(',')}]`;
  return concat(`{"end":"${streamToken(upTo)}","rooms":[`, rooms, `],${lists}}`);
}

function isShown({ membership, forgotten }: MembershipRow, archived: boolean): boolean {
  if (forgotten) return false;
  return (
    membership === 'join' || membership === 'invite' || (archived && (membership === 'leave' || membership === 'ban'))
  );
}

/** Some rooms of the answer as JSON texts; timelines, states and events are read for all of them together. */
async function roomTexts(
  deps: InitialSyncDeps,
  reader: Reader,
  rows: readonly MembershipRow[],
  limit: number,
  upTo: number,
): Promise<Text[]> {
  const stored = await storedRooms(
    deps,
    rows.map(({ room }) => room),
  );
  const ids = await deps.names.texts(stored.keys());
  const joined = rows.filter(({ membership }) => membership === 'join').map(({ room }) => room);
  const timelines = await latestEvents(deps, joined, upTo, limit + 1);
  await deps.states.loadAll(joined.flatMap((room) => stored.get(room)?.root ?? []));
  const states = new Map(joined.map((room) => [room, stateNums(stored.get(room))]));
  const others = rows.filter(({ membership }) => membership !== 'join').map(({ event }) => event);
  const lists = [...states.values()];
  const now = loadedTogether(lists);
  const later = new Set(lists.filter((_, i) => now[i] !== true));
  const nums = [...timelines.values(), ...lists.filter((list) => !later.has(list)), others].flat();
  const events = await deps.events.load(nums);
  await lookUpAhead(deps, reader, events.values());
  const shown = Array.from(timelines.values(), (nums) => nums.slice(-limit)).flat();
  await prepareVisibility(deps, reader.user, eventsOf(shown, events));
  const data = await deps.accountData.of(reader.user);
  const texts: Text[] = [];
  for (const row of rows) {
    const room = stored.get(row.room);
    if (room === undefined) continue;
    const accountData = [...data.inRoom(row.room)].map(accountDataText);
    const timeline = eventsOf(timelines.get(row.room) ?? [], events);
    const state = states.get(row.room) ?? [];
    const body =
      row.membership === 'join'
        ? await joinedBody(deps, reader, {
            row,
            timeline,
            state,
            isLater: later.has(state),
            limit,
            upTo,
          })
        : await otherBody(deps, reader, row, limit);
    const visibility = room.published ? 'public' : 'private';
    const about = `"membership":"${row.membership}","visibility":"${visibility}","account_data":[${accountData.join(',')}]`;
    texts.push(concat(`{"room_id":${JSON.stringify(ids.get(row.room) ?? '')},${about}`, body, '}'));
  }
  return texts;
}

/** Rooms as they are on disk; one query for those whose heads are not in memory. */
async function storedRooms(
  { heads, rooms }: InitialSyncDeps,
  nums: readonly number[],
): Promise<ReadonlyMap<number, RoomRow>> {
  const stored = new Map<number, RoomRow>();
  for (const num of nums) {
    const head = heads.cached(num);
    // Whether the directory lists the room is in the head's row only.
    if (head !== undefined) stored.set(num, { ...head.stored, published: head.row.published });
  }
  const others = nums.filter((num) => !stored.has(num));
  if (others.length > 0) for (const room of await rooms.load(others)) stored.set(room.num, room);
  return stored;
}

function stateNums(room: RoomRow | undefined): number[] {
  return room === undefined ? [] : entries(room.root).map(({ event }) => event);
}

async function joinedBody(
  deps: InitialSyncDeps,
  reader: Reader,
  room: {
    readonly row: MembershipRow;
    readonly timeline: readonly StoredEvent[];
    readonly state: readonly number[];
    /** The state is read while it is written. */
    readonly isLater: boolean;
    readonly limit: number;
    readonly upTo: number;
  },
): Promise<Text> {
  const work = { row: room.row, isNew: true, after: 0 };
  const nums = room.timeline.slice(-room.limit).map(({ num }) => num);
  const events = new Map(room.timeline.map((event) => [event.num, event]));
  const choice = {
    filter: { ...EVERYTHING_SHOWN, timelineLimit: room.limit },
    stateAfter: true,
    budget: newScanBudget(),
  };
  const limited = room.timeline.length > room.limit;
  const { shown, first, last } = await roomTimeline(deps, reader, { ...work, nums, limited }, events, choice);
  const start = first?.seq ?? (last?.seq ?? 0) + 1;
  const messages = await messagesText(deps, reader, shown, timelineToken(start - 1), streamToken(room.upTo));
  const state = await stateText(deps, reader, room.state, { format: LEGACY_FORMAT, later: room.isLater });
  return concat(`${messages},"state":[`, state, ']');
}

/** Rooms to which the user is invited, or which they have left. */
async function otherBody(deps: InitialSyncDeps, reader: Reader, row: MembershipRow, limit: number): Promise<Text> {
  const event = await deps.events.one(row.event);
  if (event === undefined) return '';
  if (row.membership === 'invite') {
    const [text = ''] = await hydrate(deps, reader, [{ event, membership: 'invite' }], LEGACY_FORMAT);
    return `,"inviter":${JSON.stringify(event.sender)},"invite":${text}`;
  }
  const access = await roomAccess(deps, event.roomId, reader.user).catch(() => undefined);
  return access === undefined ? '' : pastBody(deps, reader, access, limit);
}

async function pastBody(deps: InitialSyncDeps, reader: Reader, access: RoomAccess, limit: number): Promise<Text> {
  const page = await messagesPage(deps, reader, access, { dir: 'b', limit });
  const last = access.kind === 'past' ? (access.until.seq ?? 0) : access.head.row.seq;
  const messages = await messagesText(
    deps,
    reader,
    page.shown.toReversed(),
    page.end ?? timelineToken(0),
    timelineToken(last),
  );
  const state = await visibleStateNums(deps, access);
  return concat(`${messages},"state":[`, await stateText(deps, reader, state, { format: LEGACY_FORMAT }), ']');
}

async function messagesText(
  deps: InitialSyncDeps,
  reader: Reader,
  shown: readonly Shown[],
  start: string,
  end: string,
): Promise<string> {
  const chunk = await hydrate(deps, reader, shown, LEGACY_FORMAT);
  return `,"messages":{"start":"${start}","end":"${end}","chunk":[${chunk.join(',')}]}`;
}

async function presenceTexts(deps: InitialSyncDeps, users: readonly number[]): Promise<string[]> {
  const ids = await deps.names.texts(users);
  const texts: string[] = [];
  for (const num of users) {
    const sender = ids.get(num) ?? '';
    const content = { ...(await deps.presences.contentOf(num)), user_id: sender };
    texts.push(plainEvent('m.presence', JSON.stringify(content), { sender }));
  }
  return texts;
}

function accountDataText({ type, content }: AccountDataRow): string {
  return plainEvent(type, content);
}

/**
 * `GET /rooms/{roomId}/initialSync`: one room as a member, a past member or anybody who may peek sees it.
 * @throws MatrixError M_FORBIDDEN
 */
export async function roomInitialSync(
  deps: InitialSyncDeps,
  request: {
    readonly user: number;
    readonly device: number;
    readonly roomId: string;
    readonly limit: number | undefined;
  },
): Promise<Text> {
  const access = await roomAccess(deps, request.roomId, request.user);
  const { head } = access;
  const upTo = deps.stream.current;
  const reader = readerOf(request, await deps.ignoredUsers.of(request.user));
  const limit = Math.min(request.limit ?? LIMIT_DEFAULT, LIMIT_MAX);
  // The stream goes on from the same place.
  const page = await messagesPage(deps, reader, access, { dir: 'b', limit, from: streamToken(upTo) });
  const row = await deps.userRooms.one(request.user, head.num);
  const isOpen = await seesPresent(access);
  const end = access.kind === 'past' && !isOpen ? timelineToken(access.until.seq ?? 0) : streamToken(upTo);
  const messages = await messagesText(deps, reader, page.shown.toReversed(), page.end ?? timelineToken(0), end);
  const nums = await visibleStateNums(deps, access);
  const state = await stateText(deps, reader, nums, { format: LEGACY_FORMAT });
  const data = [...(await deps.accountData.of(request.user)).inRoom(head.num)]
    .filter(({ room }) => room !== GLOBAL)
    .map(accountDataText);
  const membership = access.kind === 'peeker' ? '' : `,"membership":"${row?.membership ?? 'leave'}"`;
  const visibility = head.row.published ? 'public' : 'private';
  const receipts = isOpen ? await receiptTexts(deps, request.user, [head.num]) : [];
  const presence = isOpen ? await presenceTexts(deps, deps.presences.present(head.joined)) : [];
  const rest = `,"receipts":[${receipts.join(',')}],"presence":[${presence.join(',')}]`;
  const about = `"room_id":${JSON.stringify(head.roomId)}${membership},"visibility":"${visibility}","account_data":[${data.join(',')}]`;
  return concat(`{${about}${messages},"state":[`, state, `]${rest}}`);
}

/** The receipts of some rooms, those of a room in one event. */
async function receiptTexts(deps: InitialSyncDeps, user: number, rooms: readonly number[]): Promise<string[]> {
  const ids = await deps.names.texts(rooms);
  const texts: string[] = [];
  for (const [room, receipts] of await deps.receipts.receiptsOfRooms(rooms)) {
    const content = receiptContent([...receipts.all()].filter((receipt) => isVisible(receipt, user)));
    if (content !== undefined) texts.push(plainEvent('m.receipt', content, { room_id: ids.get(room) ?? '' }));
  }
  return texts;
}
