import { forbidden, invalidParam } from '@hearth/protocol/errors.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { KnownRooms } from './known-rooms.ts';
import type { RoomSummaries } from './room-summaries.ts';

export interface HierarchyQuery {
  readonly suggestedOnly: boolean;
  readonly limit?: number | undefined;
  readonly maxDepth?: number | undefined;
  readonly from?: string | undefined;
}

const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 50;
/** Limits of a hierarchy: its depth and the number of rooms. */
const DEPTH_MAX = 20;
const ROOMS_MAX = 2_000;
const CHILDREN_MAX = 1_000;

interface RoomAtDepth {
  readonly room: number;
  readonly depth: number;
}

/** The hierarchies of spaces (client-server API, "Querying rooms within spaces"). */
export class Hierarchy {
  readonly #knownRooms: KnownRooms;
  readonly #summaries: RoomSummaries;

  constructor(knownRooms: KnownRooms, summaries: RoomSummaries) {
    this.#knownRooms = knownRooms;
    this.#summaries = summaries;
  }

  /** Returns the rooms of a space that the user may know of, depth first. @throws MatrixError M_FORBIDDEN, M_INVALID_PARAM */
  async page(user: number, roomId: string, query: HierarchyQuery): Promise<JsonObject> {
    const { offset, signature } = parseFrom(query);
    const root = await this.#knownRooms.byId(roomId, user);
    if (root === undefined) throw forbidden('You are not allowed to see this room');
    const limit = Math.max(1, Math.min(query.limit ?? LIMIT_DEFAULT, LIMIT_MAX));
    const rooms = await this.#walk(user, root.row.num, query, offset + limit + 1);
    const more = rooms.length > offset + limit;
    return {
      rooms: rooms.slice(offset, offset + limit),
      ...(more ? { next_batch: `h${offset + limit}_${signature}` } : {}),
    };
  }

  /** Traverses the space in order until `wanted` rooms are found. */
  async #walk(user: number, root: number, query: HierarchyQuery, wanted: number): Promise<JsonObject[]> {
    const seen = new Set<number>([root]);
    const stack: RoomAtDepth[] = [{ room: root, depth: 0 }];
    const rooms: JsonObject[] = [];
    const depthMax = Math.min(query.maxDepth ?? DEPTH_MAX, DEPTH_MAX);
    while (rooms.length < Math.min(wanted, ROOMS_MAX)) {
      const place = stack.pop();
      if (place === undefined) break;
      const summary = await this.#knownRooms.byNum(place.room, user);
      if (summary === undefined) continue;
      const isSpace = summary.roomType === 'm.space';
      const children = isSpace ? await this.#shownChildren(place.room, query.suggestedOnly) : [];
      rooms.push({ ...summary.entry, ...summary.more, children_state: children.map(strippedChild) });
      if (place.depth >= depthMax) continue;
      for (const child of children.toReversed()) {
        if (child.stateKeyNum === null || seen.has(child.stateKeyNum)) continue;
        seen.add(child.stateKeyNum);
        stack.push({ room: child.stateKeyNum, depth: place.depth + 1 });
      }
    }
    return rooms;
  }

  /** Returns the visible children. Their summaries are loaded together. */
  async #shownChildren(space: number, suggestedOnly: boolean): Promise<StoredEvent[]> {
    const all = await this.#summaries.children(space);
    const children = all.filter(({ content }) => !suggestedOnly || content.suggested === true).slice(0, CHILDREN_MAX);
    await this.#summaries.many(children.flatMap(({ stateKeyNum }) => stateKeyNum ?? []));
    return children;
  }
}

function strippedChild({ type, stateKey, sender, content, ts }: StoredEvent): JsonObject {
  return { type, state_key: stateKey ?? '', sender, content, origin_server_ts: ts };
}

/** Parses a token, which is valid only if `suggested_only` and `max_depth` do not change between pages. */
function parseFrom(query: HierarchyQuery): { offset: number; signature: string } {
  const signature = `${query.suggestedOnly ? 's' : 'a'}${query.maxDepth ?? ''}`;
  if (query.from === undefined) return { offset: 0, signature };
  const match = /^h(\d{1,6})_(.*)$/.exec(query.from);
  if (match === null || match[2] !== signature) throw invalidParam("'from' is not a pagination token of this endpoint");
  return { offset: Number(match[1]), signature };
}
