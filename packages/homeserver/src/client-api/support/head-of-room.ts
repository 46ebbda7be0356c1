import { notFound } from '@hearth/protocol/errors.ts';
import type { Aliases } from '../../rooms/aliases.ts';
import type { Head } from '../../rooms/head.ts';
import type { Heads } from '../../rooms/heads.ts';

/** Returns the head of a room that an administrator names by its id or by an alias. @throws MatrixError M_NOT_FOUND */
export async function headOfRoom(heads: Heads, aliases: Aliases, roomIdOrAlias: string): Promise<Head> {
  const alias = roomIdOrAlias.startsWith('#') ? await aliases.find(roomIdOrAlias) : undefined;
  const head = alias === undefined ? await heads.find(roomIdOrAlias) : await heads.byNum(alias.room);
  if (head === undefined) throw notFound('The room does not exist');
  return head;
}
