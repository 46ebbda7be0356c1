import type { Heads } from '../rooms/heads.ts';
import type { UserRooms } from '../rooms/membership/user-rooms.ts';
import type { MembershipRow } from '../storage/rooms/membership-store.ts';
import type { RoomStore } from '../storage/rooms/room-store.ts';
import { totalOf, type UnreadCounts } from '../unread/unread-counts.ts';

export interface BadgeDeps {
  readonly heads: Heads;
  readonly userRooms: UserRooms;
  readonly rooms: RoomStore;
  readonly unread: UnreadCounts;
}

/** More rooms with something unread are not counted: the number on the icon is large enough. */
const ROOMS_MAX = 200;

/** How many messages a user has not read, in all rooms together: the number on an app's icon. */
export async function badgeOf(deps: BadgeDeps, user: { readonly num: number; readonly id: string }): Promise<number> {
  const rows = new Map<number, MembershipRow>();
  for (const row of (await deps.userRooms.of(user.num)).values())
    if (row.membership === 'join') rows.set(row.room, row);
  let total = 0;
  for (const room of await deps.rooms.unread([...rows.keys()], user.num, ROOMS_MAX)) {
    const row = rows.get(room);
    const head = row === undefined ? undefined : await deps.heads.byNum(room);
    if (row === undefined || head === undefined) continue;
    total += totalOf(await deps.unread.of(user, head, row)).notifications;
  }
  return total;
}
