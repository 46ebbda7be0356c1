import { forbidden, invalidParam, notFound } from '@hearth/protocol/errors.ts';
import type { Aliases } from '../../rooms/aliases.ts';
import type { Head } from '../../rooms/head.ts';
import type { Heads } from '../../rooms/heads.ts';

/** Returns the room of a request that only its members may make. @throws MatrixError M_FORBIDDEN for an unknown room */
export async function roomOfMember(heads: Heads, roomId: string): Promise<Head> {
  const head = await heads.find(roomId);
  if (head === undefined) throw forbidden('You are not in this room');
  return head;
}

/**
 * Finds a room by its id or alias.
 * @throws MatrixError M_NOT_FOUND for an unknown alias or room, M_INVALID_PARAM for another text
 */
export async function roomByIdOrAlias(heads: Heads, aliases: Aliases, idOrAlias: string): Promise<Head> {
  if (idOrAlias.startsWith('!')) return heads.get(idOrAlias);
  if (!idOrAlias.startsWith('#')) throw invalidParam(`${idOrAlias} is neither a room id nor a room alias`);
  const alias = await aliases.find(idOrAlias);
  const head = alias === undefined ? undefined : await heads.byNum(alias.room);
  if (head === undefined) throw notFound(`There is no room alias ${idOrAlias}`);
  return head;
}
