import { notFound, unknown } from '@hearth/protocol/errors.ts';
import { parseRoomId } from '@hearth/protocol/identifiers/room-id.ts';
import { parseServerName } from '@hearth/protocol/identifiers/server-name.ts';
import {
  asArray,
  asBoolean,
  asInteger,
  asObject,
  asString,
  type JsonObject,
  type JsonValue,
} from '@hearth/protocol/json/value.ts';
import type { FederationClient, FederationRequest } from '../federation/client/federation-client.ts';
import { remoteFailure } from '../federation/client/remote-failure.ts';
import type { PublicRoomsQuery } from './public-rooms.ts';

/** The room of an alias, and servers that are in the room. */
export interface AliasTarget {
  readonly roomId: string;
  readonly servers: readonly string[];
}

const TIMEOUT_MS = 15_000;
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;
const SERVERS_MAX = 500;
const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1_000;
const TEXT_MEMBERS = ['name', 'topic', 'canonical_alias', 'avatar_url', 'join_rule', 'room_type'] as const;

/** The room directories of other servers. */
export class RemoteDirectory {
  readonly #client: Pick<FederationClient, 'request'>;
  readonly #onFound: (room: AliasTarget) => void;

  /** @param onFound is called with each room that an answer names, and servers that may be in the room */
  constructor(client: Pick<FederationClient, 'request'>, onFound: (room: AliasTarget) => void) {
    this.#client = client;
    this.#onFound = onFound;
  }

  /** Returns the room of an alias of another server. @throws MatrixError */
  async resolve(alias: string, server: string): Promise<AliasTarget> {
    const path = `/_matrix/federation/v1/query/directory?room_alias=${encodeURIComponent(alias)}`;
    const answer = await this.#ask(server, { method: 'GET', path });
    const roomId = asString(answer.room_id);
    if (roomId === undefined || parseRoomId(roomId) === undefined)
      throw notFound(`${server} has answered without a valid room id`);
    const servers = (asArray(answer.servers) ?? []).slice(0, SERVERS_MAX).flatMap((one) => validServer(one));
    this.#onFound({ roomId, servers });
    return { roomId, servers };
  }

  /** Returns a page of the published rooms of another server. @throws MatrixError */
  async publicRooms(server: string, { limit, since, term, roomTypes }: PublicRoomsQuery): Promise<JsonObject> {
    const count = Math.min(limit ?? LIMIT_DEFAULT, LIMIT_MAX);
    const filter = {
      ...(term !== undefined && { generic_search_term: term }),
      ...(roomTypes !== undefined && { room_types: [...roomTypes] }),
    };
    const content = { limit: count, ...(since !== undefined && { since }), filter };
    const answer = await this.#ask(server, { method: 'POST', path: '/_matrix/federation/v1/publicRooms', content });
    const chunk = asArray(answer.chunk);
    if (chunk === undefined) throw unknown(`${server} has answered without a list of rooms`, 502);
    const [next, previous] = [asString(answer.next_batch), asString(answer.prev_batch)];
    const total = asInteger(answer.total_room_count_estimate);
    const entries = chunk.slice(0, count).flatMap((entry) => publicRoomEntry(entry));
    for (const { room_id: roomId } of entries)
      if (typeof roomId === 'string') this.#onFound({ roomId, servers: [server] });
    return {
      chunk: entries,
      ...(next !== undefined && { next_batch: next }),
      ...(previous !== undefined && { prev_batch: previous }),
      ...(total !== undefined && { total_room_count_estimate: total }),
    };
  }

  async #ask(server: string, request: FederationRequest): Promise<JsonObject> {
    try {
      return await this.#client.request(server, {
        ...request,
        timeoutMs: TIMEOUT_MS,
        answerBytesMax: ANSWER_BYTES_MAX,
      });
    } catch (error) {
      throw remoteFailure(error, server);
    }
  }
}

export function validServer(value: JsonValue): string[] {
  const name = asString(value);
  return name === undefined || parseServerName(name) === undefined ? [] : [name];
}

/** Returns the known members of an entry, each if it has its type; nothing for an entry without a valid room id. */
export function publicRoomEntry(value: JsonValue): JsonObject[] {
  const entry = asObject(value);
  const roomId = asString(entry?.room_id);
  if (entry === undefined || roomId === undefined || parseRoomId(roomId) === undefined) return [];
  const texts = TEXT_MEMBERS.flatMap((name) => (typeof entry[name] === 'string' ? [[name, entry[name]] as const] : []));
  return [
    {
      ...Object.fromEntries(texts),
      room_id: roomId,
      num_joined_members: Math.max(0, asInteger(entry.num_joined_members) ?? 0),
      world_readable: asBoolean(entry.world_readable) ?? false,
      guest_can_join: asBoolean(entry.guest_can_join) ?? false,
    },
  ];
}
