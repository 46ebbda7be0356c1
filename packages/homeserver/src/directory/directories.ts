import { notFound } from '@hearth/protocol/errors.ts';
import { parseRoomAlias } from '@hearth/protocol/identifiers/room-alias.ts';
import { serverOf } from '@hearth/protocol/identifiers/server-of.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { ServersInRooms } from '../rooms/remote/servers-in-room.ts';
import type { PublicRooms, PublicRoomsQuery } from './public-rooms.ts';
import type { AliasTarget, RemoteDirectory } from './remote-directory.ts';
import type { RoomDirectory } from './room-directory.ts';

/** The objects of federation that directories use. */
export interface FederatedDirectory {
  readonly directory: RemoteDirectory;
  readonly servers: ServersInRooms;
}

/** The room directories of all servers: that of this server, and those of others if the server federates. */
export class Directories {
  readonly #serverName: string;
  readonly #local: RoomDirectory;
  readonly #publicRooms: PublicRooms;
  readonly #federated: FederatedDirectory | undefined;

  constructor(
    serverName: string,
    local: RoomDirectory,
    publicRooms: PublicRooms,
    federated: FederatedDirectory | undefined,
  ) {
    this.#serverName = serverName;
    this.#local = local;
    this.#publicRooms = publicRooms;
    this.#federated = federated;
  }

  /** Returns the room of an alias. @throws MatrixError */
  async resolve(text: string): Promise<AliasTarget> {
    const alias = parseRoomAlias(text);
    const server = alias && serverOf(alias);
    if (this.#federated !== undefined && server !== undefined && server !== this.#serverName)
      return this.#federated.directory.resolve(text, server);
    const head = await this.#local.resolve(text);
    const servers = (await this.#federated?.servers.candidates(head)) ?? [this.#serverName];
    return { roomId: head.roomId, servers };
  }

  /** Returns a page of the published rooms of a server; of this server without a name. @throws MatrixError */
  async publicRoomsOf(server: string | undefined, query: PublicRoomsQuery): Promise<JsonObject> {
    if (server === undefined || server === this.#serverName) return this.#publicRooms.page(query);
    if (this.#federated === undefined) throw notFound('This server does not federate');
    return this.#federated.directory.publicRooms(server, query);
  }
}
