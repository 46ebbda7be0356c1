import { forbidden, invalidParam } from '@hearth/protocol/errors.ts';
import { parseRoomId, roomIdServer } from '@hearth/protocol/identifiers/room-id.ts';
import { asStringArray, type JsonObject } from '@hearth/protocol/json/value.ts';
import type { Names } from '../storage/engine/names.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { KnownRooms } from './known-rooms.ts';
import type { RemoteRoom, RemoteRooms } from './remote-rooms.ts';
import type { RoomSummaries, RoomSummary } from './room-summaries.ts';

interface HierarchyParts {
  readonly names: Names;
  readonly knownRooms: KnownRooms;
  readonly summaries: RoomSummaries;
  /** The rooms of other servers; absent if the server does not federate. */
  readonly remoteRooms: RemoteRooms | undefined;
}

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
/** The number of rooms about which other servers are asked for one page. */
const ASKED_MAX = 50;
/** The number of children about which other servers are asked at the same time. */
const ASKED_AHEAD = 10;

/** A room to visit. */
interface RoomAtDepth {
  readonly roomId: string;
  readonly depth: number;
  /** Servers that may know the room. */
  readonly servers: readonly string[];
  /** The description of the room by the server of its parent. */
  readonly described?: RemoteRoom | undefined;
}

/** A room of an answer, with its children in order. */
interface VisitedRoom {
  readonly entry: JsonObject;
  readonly childEvents: readonly JsonObject[];
  readonly children: readonly Omit<RoomAtDepth, 'depth'>[];
}

/** The hierarchies of spaces (client-server API, "Querying rooms within spaces"). */
export class Hierarchy {
  readonly #parts: HierarchyParts;

  constructor(parts: HierarchyParts) {
    this.#parts = parts;
  }

  /** Returns the rooms of a space that the user may know of, depth first. @throws MatrixError M_FORBIDDEN, M_INVALID_PARAM */
  async page(user: number, roomId: string, query: HierarchyQuery): Promise<JsonObject> {
    const { offset, signature } = parseFrom(query);
    const limit = Math.max(1, Math.min(query.limit ?? LIMIT_DEFAULT, LIMIT_MAX));
    const rooms = await new Walk(this.#parts, user, query).rooms(roomId, offset + limit + 1);
    if (rooms.length === 0) throw forbidden('You are not allowed to see this room');
    const more = rooms.length > offset + limit;
    return {
      rooms: rooms.slice(offset, offset + limit),
      ...(more ? { next_batch: `h${offset + limit}_${signature}` } : {}),
    };
  }
}

/** One walk through a space, for one user. */
class Walk {
  readonly #parts: HierarchyParts;
  readonly #user: number;
  readonly #query: HierarchyQuery;
  #asked = 0;

  constructor(parts: HierarchyParts, user: number, query: HierarchyQuery) {
    this.#parts = parts;
    this.#user = user;
    this.#query = query;
  }

  /** Traverses the space in order until `wanted` rooms are found. */
  async rooms(root: string, wanted: number): Promise<JsonObject[]> {
    const { maxDepth } = this.#query;
    const seen = new Set<string>([root]);
    const stack: RoomAtDepth[] = [{ roomId: root, depth: 0, servers: serversOf(root) }];
    const rooms: JsonObject[] = [];
    const depthMax = Math.min(maxDepth ?? DEPTH_MAX, DEPTH_MAX);
    while (rooms.length < Math.min(wanted, ROOMS_MAX)) {
      const place = stack.pop();
      if (place === undefined) break;
      const visited = await this.#visit(place);
      if (visited === undefined) continue;
      rooms.push({ ...visited.entry, children_state: [...visited.childEvents] });
      if (place.depth >= depthMax) continue;
      const fresh = visited.children.filter(({ roomId }) => !seen.has(roomId));
      for (const { roomId } of fresh) seen.add(roomId);
      this.#askAhead(fresh);
      for (const child of fresh.toReversed()) stack.push({ ...child, depth: place.depth + 1 });
    }
    return rooms;
  }

  /** Returns a room that the user may know of, as this or another server describes it. */
  async #visit(place: RoomAtDepth): Promise<VisitedRoom | undefined> {
    const { knownRooms, remoteRooms } = this.#parts;
    const summary = await this.#localSummary(place.roomId);
    if (summary === undefined) return remoteRooms === undefined ? undefined : this.#visitRemote(remoteRooms, place);
    return (await knownRooms.mayKnow(summary, this.#user)) ? this.#visitLocal(summary) : undefined;
  }

  /** Returns the summary of a room that this server can describe. */
  async #localSummary(roomId: string): Promise<RoomSummary | undefined> {
    const { names, summaries, remoteRooms } = this.#parts;
    const num = await names.find(roomId);
    const summary = num === undefined ? undefined : await summaries.one(num);
    if (summary === undefined || remoteRooms === undefined) return summary;
    return (await remoteRooms.isLocal(summary.row.num)) ? summary : undefined;
  }

  async #visitLocal(summary: RoomSummary): Promise<VisitedRoom> {
    const children = summary.roomType === 'm.space' ? await this.#shownChildren(summary.row.num) : [];
    return {
      entry: { ...summary.entry, ...summary.more },
      childEvents: children.map(strippedChild),
      children: children.map(({ stateKey = '', content }) => ({
        roomId: stateKey,
        servers: asStringArray(content.via) ?? [],
      })),
    };
  }

  async #visitRemote(
    remoteRooms: RemoteRooms,
    { roomId, servers, described }: RoomAtDepth,
  ): Promise<VisitedRoom | undefined> {
    const isKnown = described !== undefined && described.roomType !== 'm.space';
    if (!isKnown) this.#asked += 1;
    const mayAsk = !isKnown && this.#asked <= ASKED_MAX;
    const space = mayAsk ? await remoteRooms.find(roomId, servers) : undefined;
    const room = space?.room ?? described;
    if (room === undefined || !(await this.#parts.knownRooms.mayKnow(room, this.#user))) return undefined;
    const { suggestedOnly } = this.#query;
    const children = (space?.children ?? []).filter(({ event }) => !suggestedOnly || isSuggested(event.content));
    return {
      entry: room.entry,
      childEvents: children.map(({ event }) => event),
      children: children
        .filter((child) => space?.inaccessible.has(child.roomId) !== true)
        .map((child) => ({ ...child, described: space?.described.get(child.roomId) })),
    };
  }

  /** Begins to ask other servers about some of the next rooms, so that the walk does not wait for each in turn. */
  #askAhead(children: readonly Omit<RoomAtDepth, 'depth'>[]): void {
    const { remoteRooms, names } = this.#parts;
    if (remoteRooms === undefined) return;
    const spaces = children.filter(({ described }) => described === undefined || described.roomType === 'm.space');
    for (const { roomId, servers } of spaces.slice(0, ASKED_AHEAD)) {
      if (this.#asked >= ASKED_MAX || names.cachedNum(roomId) !== undefined) continue;
      // The visit of the room gets the same answer, or the error.
      remoteRooms.find(roomId, servers).catch(() => {});
    }
  }

  /** Returns the visible children. Their summaries are loaded together. */
  async #shownChildren(space: number): Promise<StoredEvent[]> {
    const { summaries } = this.#parts;
    const all = await summaries.children(space);
    const children = all
      .filter(({ content }) => !this.#query.suggestedOnly || isSuggested(content))
      .slice(0, CHILDREN_MAX);
    await summaries.many(children.flatMap(({ stateKeyNum }) => stateKeyNum ?? []));
    return children;
  }
}

function isSuggested(content: unknown): boolean {
  return typeof content === 'object' && content !== null && 'suggested' in content && content.suggested === true;
}

/** Returns the server in a room id, which may know the room. */
function serversOf(roomId: string): string[] {
  const parsed = parseRoomId(roomId);
  const server = parsed && roomIdServer(parsed);
  return server === undefined ? [] : [server];
}

/** Returns the stripped form of the event of a child (client-server API, "Stripped state"), with its time. */
export function strippedChild({ type, stateKey, sender, content, ts }: StoredEvent): JsonObject {
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
