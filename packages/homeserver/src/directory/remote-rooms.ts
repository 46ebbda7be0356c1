import { asArray, asInteger, asObject, asString, asStringArray, type JsonObject } from '@hearth/protocol/json/value.ts';
import type { FederationClient } from '../federation/client/federation-client.ts';
import { FederationError } from '../federation/client/federation-error.ts';
import { ExpiringCache, type Loaded } from '../platform/caches/expiring-cache.ts';
import type { Clock } from '../platform/clock.ts';
import type { Heads } from '../rooms/heads.ts';
import type { ServersInRooms } from '../rooms/remote/servers-in-room.ts';
import type { JoinFacts } from './known-rooms.ts';
import { publicRoomEntry, validServer } from './remote-directory.ts';
import { bySpaceOrder } from './space-order.ts';

interface RemoteRoomsParts {
  readonly client: Pick<FederationClient, 'request'>;
  readonly heads: Heads;
  readonly servers: ServersInRooms;
  readonly clock: Clock;
}

/** A room as another server describes it. */
export interface RemoteRoom extends JoinFacts {
  readonly entry: JsonObject;
  readonly roomType: string | undefined;
}

/** A child of a space, with servers that may know it. */
export interface RemoteChild {
  readonly roomId: string;
  readonly servers: readonly string[];
  readonly event: JsonObject;
}

/** A room of another server with its children. */
export interface RemoteSpace {
  readonly room: RemoteRoom;
  readonly children: readonly RemoteChild[];
  /** The children that the server describes. */
  readonly described: ReadonlyMap<string, RemoteRoom>;
  /** The children that no user of this server can read or join. */
  readonly inaccessible: ReadonlySet<string>;
}

const TIMEOUT_MS = 10_000;
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;
const SERVERS_MAX = 3;
const CHILDREN_MAX = 1_000;
const CACHED_MAX = 1_000;
const CACHED_BYTES_MAX = 16 * 1024 * 1024;
const KEPT_MS = 5 * 60_000;
/** A server that does not know a room now may know it soon; servers that do not answer are not asked again for a time. */
const FAILURE_KEPT_MS = 0;

interface Answer {
  readonly space: RemoteSpace | undefined;
  readonly bytes: number;
}

/** Rooms of other servers, as those servers describe them (server-server API, "Spaces"). */
export class RemoteRooms {
  readonly #parts: RemoteRoomsParts;
  /** Answers by server and room, because a server might describe the rooms of others wrongly. */
  readonly #answers: ExpiringCache<Answer>;

  constructor(parts: RemoteRoomsParts) {
    this.#parts = parts;
    const bytes = { bytesMax: CACHED_BYTES_MAX, bytesOf: (answer: Answer) => answer.bytes };
    this.#answers = new ExpiringCache(parts.clock, CACHED_MAX, bytes);
  }

  /** Returns whether this server is in a room, so that it needs no other server to describe it. */
  async isLocal(room: number): Promise<boolean> {
    const head = await this.#parts.heads.byNum(room);
    return head !== undefined && this.#parts.servers.isLocal(head);
  }

  /** Returns a room as the first server describes it that knows it; undefined if none does. */
  async find(roomId: string, servers: readonly string[]): Promise<RemoteSpace | undefined> {
    const { serverName } = this.#parts.servers;
    const others = [...new Set(servers)].filter((server) => server !== serverName);
    for (const server of others.slice(0, SERVERS_MAX)) {
      const { space } = await this.#answers.get(`${server}/${roomId}`, () => this.#ask(server, roomId));
      if (space !== undefined) return space;
    }
    return undefined;
  }

  async #ask(server: string, roomId: string): Promise<Loaded<Answer>> {
    const path = `/_matrix/federation/v1/hierarchy/${encodeURIComponent(roomId)}`;
    try {
      const limits = { timeoutMs: TIMEOUT_MS, answerBytesMax: ANSWER_BYTES_MAX };
      const answer = await this.#parts.client.request(server, { method: 'GET', path, ...limits });
      const space = spaceIn(answer, roomId);
      const value = { space, bytes: 500 + 2 * JSON.stringify(answer).length };
      return { value, keptMs: space === undefined ? FAILURE_KEPT_MS : KEPT_MS };
    } catch (error) {
      if (error instanceof FederationError) return { value: { space: undefined, bytes: 500 }, keptMs: FAILURE_KEPT_MS };
      throw error;
    }
  }
}

/** Returns the room in an answer; undefined if it is not the room that was asked for. */
function spaceIn(answer: JsonObject, roomId: string): RemoteSpace | undefined {
  const room = roomIn(answer.room);
  if (room === undefined || room.roomId !== roomId) return undefined;
  const events = (asArray(asObject(answer.room)?.children_state) ?? []).slice(0, CHILDREN_MAX);
  const listed = (asArray(answer.children) ?? []).slice(0, CHILDREN_MAX).flatMap((one) => roomIn(one) ?? []);
  return {
    room,
    children: sortedChildren(events.flatMap((event) => childIn(event) ?? [])),
    described: new Map(listed.map((one) => [one.roomId, one])),
    inaccessible: new Set(asStringArray(answer.inaccessible_children) ?? []),
  };
}

/** Returns the known members of the description of a room. */
function roomIn(value: unknown): RemoteRoom | undefined {
  const given = asObject(value);
  const [entry] = given === undefined ? [] : publicRoomEntry(given);
  if (given === undefined || entry === undefined) return undefined;
  const roomId = asString(entry.room_id) ?? '';
  const [version, encryption] = [asString(given.room_version), asString(given.encryption)];
  const allowedRooms = asStringArray(given.allowed_room_ids) ?? [];
  return {
    roomId,
    entry: {
      ...entry,
      ...(version !== undefined && { room_version: version }),
      ...(encryption !== undefined && { encryption }),
      ...(allowedRooms.length > 0 && { allowed_room_ids: allowedRooms }),
    },
    roomType: asString(entry.room_type),
    joinRule: asString(entry.join_rule) ?? 'public',
    isWorldReadable: entry.world_readable === true,
    allowedRooms,
  };
}

interface ChildWithTime extends RemoteChild {
  readonly ts: number;
}

function childIn(value: unknown): ChildWithTime | undefined {
  const event = asObject(value);
  const [roomId, sender] = [asString(event?.state_key), asString(event?.sender)];
  const content = asObject(event?.content);
  if (event?.type !== 'm.space.child' || roomId === undefined || sender === undefined || content === undefined)
    return undefined;
  const servers = (asArray(content.via) ?? []).flatMap((one) => validServer(one));
  if (servers.length === 0) return undefined;
  const ts = asInteger(event.origin_server_ts) ?? 0;
  const stripped = { type: 'm.space.child', state_key: roomId, sender, content, origin_server_ts: ts };
  return { roomId, servers, event: stripped, ts };
}

function sortedChildren(children: readonly ChildWithTime[]): RemoteChild[] {
  const form = ({ roomId, event, ts }: ChildWithTime) => ({
    stateKey: roomId,
    content: asObject(event.content) ?? {},
    ts,
  });
  return children.toSorted((a, b) => bySpaceOrder(form(a), form(b)));
}
