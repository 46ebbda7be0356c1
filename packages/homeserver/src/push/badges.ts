import type { Heads } from '../rooms/heads.ts';
import type { UserRooms } from '../rooms/membership/user-rooms.ts';
import type { MembershipRow } from '../storage/rooms/membership-store.ts';
import type { RoomStore } from '../storage/rooms/room-store.ts';
import { totalOf, type UnreadCounts } from '../unread/unread-counts.ts';

/** More rooms with something unread are not counted: the number on the icon is large enough. */
const ROOMS_MAX = 200;

/** The numbers on the icons of apps. */
export class Badges {
  readonly #heads: Heads;
  readonly #userRooms: UserRooms;
  readonly #rooms: RoomStore;
  readonly #unread: UnreadCounts;

  constructor(heads: Heads, userRooms: UserRooms, rooms: RoomStore, unread: UnreadCounts) {
    this.#heads = heads;
    this.#userRooms = userRooms;
    this.#rooms = rooms;
    this.#unread = unread;
  }

  /** Returns the number of messages that a user has not read, in all rooms together. */
  async of(user: { readonly num: number; readonly id: string }): Promise<number> {
    const rows = new Map<number, MembershipRow>();
    for (const row of (await this.#userRooms.of(user.num)).values())
      if (row.membership === 'join') rows.set(row.room, row);
    let total = 0;
    for (const room of await this.#rooms.unread([...rows.keys()], user.num, ROOMS_MAX)) {
      const row = rows.get(room);
      const head = row === undefined ? undefined : await this.#heads.byNum(room);
      if (row === undefined || head === undefined) continue;
      total += totalOf(await this.#unread.of(user, head, row)).notifications;
    }
    return total;
  }
}
