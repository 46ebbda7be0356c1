import type { slidingSync } from '@hearth/api/client/sliding-sync/sync.ts';
import type { Body } from '@hearth/api/endpoint.ts';
import { isObject, type JsonValue } from '@hearth/protocol/json/value.ts';
import type { AccountData } from '../../account-data/account-data.ts';
import { GLOBAL, type UserData } from '../../account-data/user-data.ts';
import type { RoomSummaries } from '../../directory/room-summaries.ts';
import type { Lookups } from '../../platform/lookups/lookups.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { MembershipRow } from '../../storage/rooms/membership-store.ts';
import type { RoomActivity } from './room-activity.ts';

export type SlidingSyncBody = Body<typeof slidingSync>;
export type ListRequest = NonNullable<SlidingSyncBody['lists']>[string];
type Filters = NonNullable<ListRequest['filters']>;

interface Parts {
  readonly names: Names;
  readonly accountData: AccountData;
  readonly activity: RoomActivity;
  readonly summaries: RoomSummaries;
}

/** The rooms of one list. */
export interface RoomList {
  readonly name: string;
  /** The number of rooms that pass the filters. */
  readonly count: number;
  /** The rooms in the list's ranges, and those of each range separately. */
  readonly rooms: ReadonlySet<number>;
  readonly ranges: readonly { readonly range: readonly [number, number]; readonly rooms: readonly number[] }[];
}

/** Creates the lists of sliding sync (MSC4186, "Lists"). */
export class RoomLists {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Returns the rooms for lists, those with the latest activity first. They are joined rooms, invitations, knocks,
   * rooms from which the user was removed, and left rooms that the connection has shown.
   */
  byActivity(lookups: Lookups, rows: Iterable<MembershipRow>, isKnown: (room: number) => boolean): MembershipRow[] {
    const { activity } = this.#parts;
    const listed = lookups.each(rows, (row) => {
      const { membership, room, event, position } = row;
      const isOutside = membership === 'leave' || membership === 'ban';
      if (isOutside && !isKnown(room) && !lookups.get(activity.removalSource, event)) return undefined;
      return { row, at: membership === 'join' ? lookups.get(activity.lastEventSource, room) : position };
    });
    return listed
      .filter((one) => one !== undefined)
      .sort((a, b) => b.at - a.at)
      .map(({ row }) => row);
  }

  /** Returns one list of a request. */
  list(
    lookups: Lookups,
    user: number,
    name: string,
    { filters, ranges, slow_get_all_rooms: all }: ListRequest,
    rows: readonly MembershipRow[],
  ): RoomList {
    const passing = filters === undefined || filters === null ? rows : this.#filtered(lookups, user, filters, rows);
    const whole = [0, Math.max(0, passing.length - 1)] as const;
    const wanted = all === true || ranges === undefined || ranges === null ? [whole] : ranges;
    const parts = wanted.map((range) => ({
      range,
      rooms: passing.slice(range[0], range[1] + 1).map(({ room }) => room),
    }));
    return { name, count: passing.length, ranges: parts, rooms: new Set(parts.flatMap(({ rooms }) => rooms)) };
  }

  #filtered(lookups: Lookups, user: number, filters: Filters, rows: readonly MembershipRow[]): MembershipRow[] {
    const { names, summaries, accountData } = this.#parts;
    const tests: ((row: MembershipRow) => boolean)[] = [];
    const data = lookups.get(accountData.source, user);
    const { is_dm: isDm, is_invite: isInvite, tags, not_tags: notTags, spaces } = filters;
    if (typeof isInvite === 'boolean') tests.push(({ membership }) => (membership === 'invite') === isInvite);
    if (typeof isDm === 'boolean') {
      const rooms = new Set(lookups.all(names.numSource, directRooms(data)));
      tests.push(({ room }) => rooms.has(room) === isDm);
    }
    if (Array.isArray(tags)) tests.push(({ room }) => tagsOf(data, room).some((tag) => tags.includes(tag)));
    if (Array.isArray(notTags)) tests.push(({ room }) => !tagsOf(data, room).some((tag) => notTags.includes(tag)));
    if (Array.isArray(spaces)) {
      const joined = new Set(rows.filter(({ membership }) => membership === 'join').map(({ room }) => room));
      const nums = lookups.all(names.numSource, spaces).filter((num) => num !== undefined && joined.has(num));
      const children = lookups.all(
        summaries.childrenSource,
        nums.filter((num) => num !== undefined),
      );
      tests.push(({ room }) => children.some((rooms) => rooms.has(room)));
    }
    return this.#bySummaries(
      lookups,
      filters,
      rows.filter((row) => tests.every((test) => test(row))),
    );
  }

  /** Applies the filters that read the rooms. They are applied last, when few rooms are left. */
  #bySummaries(
    lookups: Lookups,
    { is_encrypted: isEncrypted, room_types: types, not_room_types: notTypes, room_name_like: like }: Filters,
    rows: MembershipRow[],
  ): MembershipRow[] {
    const asks = [isEncrypted, types, notTypes, like].some((filter) => filter !== undefined && filter !== null);
    if (!asks) return rows;
    const summaries = lookups.all(
      this.#parts.summaries.source,
      rows.map(({ room }) => room),
    );
    const part = like?.toLowerCase();
    return rows.filter((_, i) => {
      const summary = summaries[i];
      if (summary === undefined) return false;
      const type = summary.roomType ?? null;
      if (typeof isEncrypted === 'boolean' && summary.isEncrypted !== isEncrypted) return false;
      if (Array.isArray(types) && !types.includes(type)) return false;
      if (Array.isArray(notTypes) && notTypes.includes(type)) return false;
      return part === undefined || (summary.name ?? '').toLowerCase().includes(part);
    });
  }
}

/** Returns the rooms in the account data `m.direct` (client-server API, "Direct Messaging"). */
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
