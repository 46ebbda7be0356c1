import { notFound } from '@hearth/protocol/errors.ts';
import { parseRoomAlias } from '@hearth/protocol/identifiers/room-alias.ts';
import { serverOf } from '@hearth/protocol/identifiers/server-of.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { PublicRooms, PublicRoomsQuery } from './public-rooms.ts';
import type { AliasTarget, RemoteDirectory } from './remote-directory.ts';
import type { RoomDirectory } from './room-directory.ts';

/** The room directories of all servers: that of this server, and those of others if the server federates. */
export class Directories {
  readonly #serverName: string;
  readonly #local: RoomDirectory;
  readonly #publicRooms: PublicRooms;
  readonly #remote: RemoteDirectory | undefined;

  constructor(serverName: string, local: RoomDirectory, publicRooms: PublicRooms, remote: RemoteDirectory | undefined) {
    this.#serverName = serverName;
    this.#local = local;
    this.#publicRooms = publicRooms;
    this.#remote = remote;
  }

  /** Returns the room of an alias. @throws MatrixError */
  async resolve(text: string): Promise<AliasTarget> {
    const alias = parseRoomAlias(text);
    const server = alias && serverOf(alias);
    if (this.#remote !== undefined && server !== undefined && server !== this.#serverName)
      return this.#remote.resolve(text, server);
    const head = await this.#local.resolve(text);
    return { roomId: head.roomId, servers: [this.#serverName] };
  }

  /** Returns a page of the published rooms of a server; of this server without a name. @throws MatrixError */
  async publicRoomsOf(server: string | undefined, query: PublicRoomsQuery): Promise<JsonObject> {
    if (server === undefined || server === this.#serverName) return this.#publicRooms.page(query);
    if (this.#remote === undefined) throw notFound('This server does not federate');
    return this.#remote.publicRooms(server, query);
  }
}
