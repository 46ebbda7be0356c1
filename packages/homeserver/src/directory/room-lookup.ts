import { notFound } from '@hearth/protocol/errors.ts';
import { parseRoomId, roomIdServer } from '@hearth/protocol/identifiers/room-id.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { Names } from '../storage/engine/names.ts';
import type { Directories } from './directories.ts';
import type { KnownRooms } from './known-rooms.ts';
import type { RemoteRooms } from './remote-rooms.ts';

interface RoomLookupParts {
  readonly names: Names;
  readonly directories: Directories;
  readonly knownRooms: KnownRooms;
  /** The rooms of other servers; absent if the server does not federate. */
  readonly remoteRooms: RemoteRooms | undefined;
}

/** Summaries of rooms of this and other servers (client-server API, `GET /room_summary/{roomIdOrAlias}`). */
export class RoomLookup {
  readonly #parts: RoomLookupParts;

  constructor(parts: RoomLookupParts) {
    this.#parts = parts;
  }

  /**
   * Returns the summary of a room that a user may know of.
   * @param servers names of servers that may know the room
   * @throws MatrixError M_NOT_FOUND
   */
  async summary(roomIdOrAlias: string, user: number | undefined, servers: readonly string[]): Promise<JsonObject> {
    const { directories } = this.#parts;
    const target = roomIdOrAlias.startsWith('#')
      ? await directories.resolve(roomIdOrAlias)
      : { roomId: roomIdOrAlias, servers: [] };
    const summary =
      (await this.#local(target.roomId, user)) ??
      (await this.#remote(target.roomId, user, [...servers, ...target.servers]));
    if (summary === undefined) throw notFound('There is no such room');
    if (user === undefined) return summary;
    return { ...summary, membership: await this.#membership(target.roomId, user) };
  }

  async #local(roomId: string, user: number | undefined): Promise<JsonObject | undefined> {
    const { names, knownRooms, remoteRooms } = this.#parts;
    const num = await names.find(roomId);
    if (num === undefined) return undefined;
    if (remoteRooms !== undefined && !(await remoteRooms.isLocal(num))) return undefined;
    const summary = await knownRooms.byNum(num, user);
    return summary === undefined ? undefined : { ...summary.entry, ...summary.more };
  }

  /** Asks other servers, only for users of this one. */
  async #remote(roomId: string, user: number | undefined, servers: readonly string[]): Promise<JsonObject | undefined> {
    const { names, knownRooms, remoteRooms } = this.#parts;
    const parsed = parseRoomId(roomId);
    if (remoteRooms === undefined || user === undefined || parsed === undefined) return undefined;
    const num = await names.find(roomId);
    // A room that this server is in, and that the user may not know of, is not asked for elsewhere.
    if (num !== undefined && (await remoteRooms.isLocal(num))) return undefined;
    const found = await remoteRooms.find(roomId, [...servers, ...[roomIdServer(parsed) ?? []].flat()]);
    if (found === undefined || !(await knownRooms.mayKnow(found.room, user))) return undefined;
    return found.room.entry;
  }

  async #membership(roomId: string, user: number): Promise<string> {
    const num = await this.#parts.names.find(roomId);
    return num === undefined ? 'leave' : this.#parts.knownRooms.membership(num, user);
  }
}
