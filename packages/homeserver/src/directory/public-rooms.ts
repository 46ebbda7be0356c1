import { invalidParam } from '@hearth/protocol/errors.ts';
import { asString, type JsonObject } from '@hearth/protocol/json/value.ts';
import type { RoomStore } from '../storage/rooms/room-store.ts';
import type { RoomSummaries, RoomSummary } from './room-summaries.ts';

/** A filter for rooms of the directory, and a page. */
export interface PublicRoomsQuery {
  readonly limit?: number | undefined;
  readonly since?: string | undefined;
  readonly term?: string | undefined;
  /** `null` stands for rooms without a type. */
  readonly roomTypes?: readonly (string | null)[] | undefined;
}

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1000;

/** The list of published rooms (client-server API, "Listing rooms"). */
export class PublicRooms {
  readonly #rooms: RoomStore;
  readonly #summaries: RoomSummaries;

  constructor(rooms: RoomStore, summaries: RoomSummaries) {
    this.#rooms = rooms;
    this.#summaries = summaries;
  }

  /** Returns a page of the list, the rooms with the most members first. @throws MatrixError M_INVALID_PARAM */
  async page(query: PublicRoomsQuery): Promise<JsonObject> {
    const all = await this.#summaries.many(await this.#rooms.published());
    const matching = [...all.values()].filter((room) => isMatch(room, query)).sort(byMembers);
    const offset = query.since === undefined ? 0 : parseOffset(query.since);
    const limit = Math.min(query.limit ?? LIMIT_DEFAULT, LIMIT_MAX);
    const end = offset + limit;
    return {
      chunk: matching.slice(offset, end).map(({ entry }) => entry),
      total_room_count_estimate: matching.length,
      ...(end < matching.length && limit > 0 ? { next_batch: `p${end}` } : {}),
      ...(offset > 0 ? { prev_batch: `p${Math.max(0, offset - limit)}` } : {}),
    };
  }
}

function isMatch({ entry, roomType }: RoomSummary, { term, roomTypes }: PublicRoomsQuery): boolean {
  if (roomTypes !== undefined && !roomTypes.includes(roomType ?? null)) return false;
  if (term === undefined || term === '') return true;
  const wanted = term.toLowerCase();
  return [entry.name, entry.topic, entry.canonical_alias].some((text) =>
    asString(text)?.toLowerCase().includes(wanted),
  );
}

/** Compares rooms by members and then by age, so that pages do not overlap. */
function byMembers(a: RoomSummary, b: RoomSummary): number {
  return b.row.joined - a.row.joined || a.row.num - b.row.num;
}

function parseOffset(token: string): number {
  const match = /^p(\d{1,9})$/.exec(token);
  if (match === null) throw invalidParam("'since' is not a pagination token of this endpoint");
  return Number(match[1]);
}
