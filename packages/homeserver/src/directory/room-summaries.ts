import { asObject, asString, isObject, type JsonObject } from '@hearth/protocol/json/value.ts';
import type { UserRooms } from '../rooms/user-rooms.ts';
import type { EventStore } from '../storage/event-store.ts';
import type { Names } from '../storage/names.ts';
import type { RoomRow, RoomStore } from '../storage/room-store.ts';
import type { StateStore } from '../storage/state-store.ts';
import type { StoredEvent } from '../storage/stored-event.ts';

export interface SummaryDeps {
  readonly names: Names;
  readonly events: EventStore;
  readonly states: StateStore;
  readonly rooms: RoomStore;
  readonly userRooms: UserRooms;
}

/** A room as people outside see it. */
export interface RoomSummary {
  readonly row: RoomRow;
  readonly roomId: string;
  /** The rooms whose members may join a restricted room. */
  readonly allowedRooms: readonly string[];
  readonly joinRule: string;
  readonly isWorldReadable: boolean;
  readonly roomType: string | undefined;
  /** The public room entry (client-server API, "PublishedRoomsChunk"). */
  readonly entry: JsonObject;
  /** What `/room_summary` and `/hierarchy` add to the entry. */
  readonly more: JsonObject;
}

const TYPES = [
  'm.room.create',
  'm.room.name',
  'm.room.topic',
  'm.room.avatar',
  'm.room.canonical_alias',
  'm.room.join_rules',
  'm.room.history_visibility',
  'm.room.guest_access',
  'm.room.encryption',
] as const;
type Contents = Partial<Record<(typeof TYPES)[number], JsonObject>>;

/** Summaries of rooms in the order of `nums`, read together. Rooms that do not exist are left out. */
export async function roomSummaries(deps: SummaryDeps, nums: readonly number[]): Promise<RoomSummary[]> {
  if (nums.length === 0) return [];
  const rows = new Map((await deps.rooms.load(nums)).map((row) => [row.num, row]));
  const existing = nums.flatMap((num) => rows.get(num) ?? []);
  const stateKey = await deps.names.num('');
  const keys = [];
  for (const type of TYPES) keys.push({ type: await deps.names.num(type), stateKey });
  const found = await deps.states.lookupMany(
    existing.map(({ root }) => root),
    keys,
  );
  const events = await deps.events.load(new Set(found.flat().filter((num) => num !== undefined)));
  const ids = await deps.names.texts(existing.map(({ num }) => num));
  return existing.map((row, i) => summary(row, ids.get(row.num) ?? '', contentsOf(found[i] ?? [], events)));
}

function contentsOf(nums: readonly (number | undefined)[], events: ReadonlyMap<number, StoredEvent>): Contents {
  const contents: Contents = {};
  for (const [i, type] of TYPES.entries()) {
    const num = nums[i];
    const event = num === undefined ? undefined : events.get(num);
    if (event !== undefined) contents[type] = event.content;
  }
  return contents;
}

function summary(row: RoomRow, roomId: string, contents: Contents): RoomSummary {
  const text = (type: keyof Contents, member: string) => asString(contents[type]?.[member]) || undefined;
  const joinRule = text('m.room.join_rules', 'join_rule') ?? 'invite';
  const isWorldReadable = text('m.room.history_visibility', 'history_visibility') === 'world_readable';
  const roomType = text('m.room.create', 'type');
  const allowedRooms = allowedBy(contents['m.room.join_rules']);
  const entry: JsonObject = {
    room_id: roomId,
    name: text('m.room.name', 'name'),
    topic: text('m.room.topic', 'topic'),
    avatar_url: text('m.room.avatar', 'url'),
    canonical_alias: text('m.room.canonical_alias', 'alias'),
    num_joined_members: row.joined,
    world_readable: isWorldReadable,
    guest_can_join: text('m.room.guest_access', 'guest_access') === 'can_join',
    join_rule: joinRule,
    room_type: roomType,
  };
  const more: JsonObject = {
    room_version: row.version,
    encryption: text('m.room.encryption', 'algorithm'),
    ...(joinRule.endsWith('restricted') ? { allowed_room_ids: [...allowedRooms] } : {}),
  };
  return { row, roomId, allowedRooms, joinRule, isWorldReadable, roomType, entry, more };
}

/** The rooms that a restricted join rule names (rooms/v8, "Restricted rooms"). */
function allowedBy(rules: JsonObject | undefined): string[] {
  if (!Array.isArray(rules?.allow)) return [];
  return rules.allow.filter(isObject).flatMap((allow) => {
    const roomId = asString(asObject(allow)?.room_id);
    return allow.type === 'm.room_membership' && roomId !== undefined ? [roomId] : [];
  });
}

/** Whether somebody may know of a room: because they could join it or read it, or are in it or invited. */
export async function mayKnow(deps: SummaryDeps, summary: RoomSummary, user: number | undefined): Promise<boolean> {
  const { joinRule, row } = summary;
  if (summary.isWorldReadable || ['public', 'knock', 'knock_restricted'].includes(joinRule)) return true;
  if (user === undefined) return false;
  const rooms = await deps.userRooms.of(user);
  const membership = rooms.get(row.num)?.membership;
  if (membership === 'join' || membership === 'invite') return true;
  if (joinRule !== 'restricted') return false;
  for (const roomId of summary.allowedRooms) {
    const num = await deps.names.find(roomId);
    if (num !== undefined && rooms.get(num)?.membership === 'join') return true;
  }
  return false;
}
