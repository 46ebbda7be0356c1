import { invalidParam } from '@hearth/protocol/errors.ts';
import { parseUserId } from '@hearth/protocol/identifiers/user-id.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { UserRooms } from './user-rooms.ts';

/** A page of the rooms that two users are in. */
export interface MutualRooms {
  readonly roomIds: readonly string[];
  readonly count: number;
  readonly next?: string;
}

const PAGE = 200;

/**
 * Returns the rooms that the caller shares with another user (client-server API, "Mutual Rooms"), the oldest room
 * first.
 * @throws MatrixError M_INVALID_PARAM for the caller's own id, an invalid user id and an invalid token
 */
export async function mutualRooms(
  deps: { readonly userRooms: UserRooms; readonly names: Names },
  caller: { readonly user: number; readonly userId: string },
  otherId: string,
  from: string | undefined,
): Promise<MutualRooms> {
  if (parseUserId(otherId) === undefined) throw invalidParam(`${otherId} is not a valid user id`);
  if (otherId === caller.userId) throw invalidParam('The other user must not be yourself');
  const after = from === undefined ? 0 : parseToken(from);
  const other = await deps.names.find(otherId);
  const theirs = other === undefined ? undefined : await deps.userRooms.of(other);
  const mine = await deps.userRooms.of(caller.user);
  const shared = [...mine.values()]
    .filter(({ room, membership }) => membership === 'join' && theirs?.get(room)?.membership === 'join')
    .map(({ room }) => room)
    .sort((a, b) => a - b);
  const rest = shared.filter((room) => room > after);
  const page = rest.slice(0, PAGE);
  const ids = await deps.names.texts(page);
  const roomIds = page.flatMap((room) => ids.get(room) ?? []);
  return { roomIds, count: shared.length, ...(rest.length > PAGE ? { next: `m${page.at(-1)}` } : {}) };
}

function parseToken(text: string): number {
  const match = /^m(\d{1,15})$/.exec(text);
  if (match === null) throw invalidParam("'from' is not a pagination token of this endpoint");
  return Number(match[1]);
}
