import type { slidingSync } from '@hearth/api/client/sliding-sync/sync.ts';
import type { Body } from '@hearth/api/endpoint.ts';
import { isObject, type JsonValue } from '@hearth/protocol/json/value.ts';
import type { AccountData } from '../../account-data/account-data.ts';
import type { InvitePermission } from '../../account-data/invite-permission.ts';
import { GLOBAL, type UserData } from '../../account-data/user-data.ts';
import type { RoomSummaries } from '../../directory/room-summaries.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { MembershipRow } from '../../storage/rooms/membership-store.ts';
import type { RoomActivity } from './room-activity.ts';

export type SlidingSyncBody = Body<typeof slidingSync>;
export type ListRequest = NonNullable<SlidingSyncBody['lists']>[string];
type Filters = NonNullable<ListRequest['filters']>;

export interface ListDeps {
  readonly names: Names;
  readonly events: EventStore;
  readonly accountData: AccountData;
  readonly invitePermission: InvitePermission;
  readonly activity: RoomActivity;
  readonly summaries: RoomSummaries;
}

/** The rooms of one list. */
export interface RoomList {
  readonly name: string;
  /** How many rooms pass the filters. */
  readonly count: number;
  /** The rooms in the list's ranges, and for each range again. */
  readonly rooms: ReadonlySet<number>;
  readonly ranges: readonly { readonly range: readonly [number, number]; readonly rooms: readonly number[] }[];
}

/**
 * The rooms that lists are made of, those with the latest activity first (MSC4186, "Lists"): joined rooms, invitations,
 * knocks, rooms that the user was removed from, and rooms left that the connection has shown.
 */
export async function roomsByActivity(
  deps: ListDeps,
  rows: Iterable<MembershipRow>,
  isKnown: (room: number) => boolean,
): Promise<MembershipRow[]> {
  const all = [...rows];
  const outside = all.filter(
    ({ membership, room }) => (membership === 'leave' || membership === 'ban') && !isKnown(room),
  );
  const removals = await deps.activity.removals(outside.map(({ event }) => event));
  const hidden = new Set(outside.filter(({ event }) => !removals.has(event)).map(({ room }) => room));
  const joined = all.filter(({ membership }) => membership === 'join').map(({ room }) => room);
  const last = await deps.activity.lastEvents(joined);
  const activityOf = (row: MembershipRow) => (row.membership === 'join' ? (last.get(row.room) ?? 0) : row.event);
  return all
    .filter(({ room }) => !hidden.has(room))
    .map((row) => ({ row, at: activityOf(row) }))
    .sort((a, b) => b.at - a.at)
    .map(({ row }) => row);
}

/** One list of a request. */
export async function roomList(
  deps: ListDeps,
  user: number,
  name: string,
  { filters, ranges, slow_get_all_rooms: all }: ListRequest,
  rows: readonly MembershipRow[],
): Promise<RoomList> {
  const passing = filters === undefined || filters === null ? rows : await filtered(deps, user, filters, rows);
  const whole = [0, Math.max(0, passing.length - 1)] as const;
  const wanted = all === true || ranges === undefined || ranges === null ? [whole] : ranges;
  const parts = wanted.map((range) => ({
    range,
    rooms: passing.slice(range[0], range[1] + 1).map(({ room }) => room),
  }));
  return { name, count: passing.length, ranges: parts, rooms: new Set(parts.flatMap(({ rooms }) => rooms)) };
}

async function filtered(
  deps: ListDeps,
  user: number,
  filters: Filters,
  rows: readonly MembershipRow[],
): Promise<MembershipRow[]> {
  const tests: ((row: MembershipRow) => boolean)[] = [];
  const data = await deps.accountData.of(user);
  const { is_dm: isDm, is_invite: isInvite, tags, not_tags: notTags, spaces } = filters;
  if (typeof isInvite === 'boolean') tests.push(({ membership }) => (membership === 'invite') === isInvite);
  if (typeof isDm === 'boolean') {
    const direct = await deps.names.findAll(directRooms(data));
    const rooms = new Set(direct.values());
    tests.push(({ room }) => rooms.has(room) === isDm);
  }
  if (Array.isArray(tags)) tests.push(({ room }) => tagsOf(data, room).some((tag) => tags.includes(tag)));
  if (Array.isArray(notTags)) tests.push(({ room }) => !tagsOf(data, room).some((tag) => notTags.includes(tag)));
  if (Array.isArray(spaces)) {
    const nums = await deps.names.findAll(spaces);
    const joined = new Set(rows.filter(({ membership }) => membership === 'join').map(({ room }) => room));
    const children = await deps.summaries.childrenOf([...nums.values()].filter((num) => joined.has(num)));
    tests.push(({ room }) => children.has(room));
  }
  const passing = rows.filter((row) => tests.every((test) => test(row)));
  return bySummaries(deps, filters, passing);
}

/** Filters that have to read the rooms come last, when few rooms are left. */
async function bySummaries(
  deps: ListDeps,
  { is_encrypted: isEncrypted, room_types: types, not_room_types: notTypes, room_name_like: like }: Filters,
  rows: MembershipRow[],
): Promise<MembershipRow[]> {
  const asks = [isEncrypted, types, notTypes, like].some((filter) => filter !== undefined && filter !== null);
  if (!asks) return rows;
  const summaries = await deps.summaries.many(rows.map(({ room }) => room));
  const part = like?.toLowerCase();
  return rows.filter(({ room }) => {
    const summary = summaries.get(room);
    if (summary === undefined) return false;
    const type = summary.roomType ?? null;
    if (typeof isEncrypted === 'boolean' && summary.isEncrypted !== isEncrypted) return false;
    if (Array.isArray(types) && !types.includes(type)) return false;
    if (Array.isArray(notTypes) && notTypes.includes(type)) return false;
    return part === undefined || (summary.name ?? '').toLowerCase().includes(part);
  });
}

/** The rooms that the account data `m.direct` lists (client-server API, "Direct Messaging"). */
export function directRooms(data: UserData): string[] {
  const content = parsed(data.get(GLOBAL, 'm.direct')?.content);
  if (!isObject(content)) return [];
  return Object.values(content).flatMap((rooms) =>
    Array.isArray(rooms) ? rooms.filter((room) => typeof room === 'string') : [],
  );
}

function tagsOf(data: UserData, room: number): string[] {
  const content = parsed(data.get(room, 'm.tag')?.content);
  return isObject(content) && isObject(content.tags) ? Object.keys(content.tags) : [];
}

function parsed(text: string | undefined): JsonValue | undefined {
  return text === undefined ? undefined : (JSON.parse(text) as JsonValue);
}
