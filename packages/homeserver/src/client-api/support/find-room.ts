import { forbidden, invalidParam } from '@hearth/protocol/errors.ts';
import type { Directories } from '../../directory/directories.ts';
import type { Head } from '../../rooms/head.ts';
import type { Heads } from '../../rooms/heads.ts';

/** Returns the room of a request that only its members may make. @throws MatrixError M_FORBIDDEN for an unknown room */
export async function roomOfMember(heads: Heads, roomId: string): Promise<Head> {
  const head = await heads.find(roomId);
  if (head === undefined) throw forbidden('You are not in this room');
  return head;
}

/** The query parameters that name servers which may know a room. */
interface Via {
  readonly via?: readonly string[] | undefined;
  readonly server_name?: readonly string[] | undefined;
}

/** Returns the servers that the query parameters name. */
export function serversIn({ via = [], server_name: named = [] }: Via): string[] {
  return [...via, ...named];
}

/** A room by its id, and servers that may be in it. */
export interface RoomTarget {
  readonly roomId: string;
  readonly servers: readonly string[];
}

/**
 * Finds the room of an id or alias. The servers that the client names come first.
 * @throws MatrixError M_NOT_FOUND for an unknown alias, M_INVALID_PARAM for another text
 */
export async function roomByIdOrAlias(
  directories: Directories,
  idOrAlias: string,
  named: Via = {},
): Promise<RoomTarget> {
  const servers = serversIn(named);
  if (idOrAlias.startsWith('!')) return { roomId: idOrAlias, servers };
  if (!idOrAlias.startsWith('#')) throw invalidParam(`${idOrAlias} is neither a room id nor a room alias`);
  const found = await directories.resolve(idOrAlias);
  return { roomId: found.roomId, servers: [...servers, ...found.servers] };
}
