import type { UserRooms } from '../rooms/membership/user-rooms.ts';
import type { Names } from '../storage/engine/names.ts';
import type { RoomSummaries, RoomSummary } from './room-summaries.ts';

/** The facts that decide whether a user could join or read a room. */
export type JoinFacts = Pick<RoomSummary, 'roomId' | 'joinRule' | 'isWorldReadable' | 'allowedRooms'>;

/** The rooms that a user may know of: those that the user could join or read, or is a member of or invited to. */
export class KnownRooms {
  readonly #names: Names;
  readonly #userRooms: UserRooms;
  readonly #summaries: RoomSummaries;

  constructor(names: Names, userRooms: UserRooms, summaries: RoomSummaries) {
    this.#names = names;
    this.#userRooms = userRooms;
    this.#summaries = summaries;
  }

  /** Returns the summary of a room if the user may know of it. Without a user, only public rooms are known. */
  async byId(roomId: string, user: number | undefined): Promise<RoomSummary | undefined> {
    const num = await this.#names.find(roomId);
    return num === undefined ? undefined : this.byNum(num, user);
  }

  /** Returns the same as {@link byId} for a room by number. */
  async byNum(room: number, user: number | undefined): Promise<RoomSummary | undefined> {
    const summary = await this.#summaries.one(room);
    return summary !== undefined && (await this.mayKnow(summary, user)) ? summary : undefined;
  }

  /** Returns the membership of a user in a room; `leave` for a user who never was a member. */
  async membership(room: number, user: number): Promise<string> {
    return (await this.#userRooms.one(user, room))?.membership ?? 'leave';
  }

  /** Returns whether a user may know of a room. Without a user, only public rooms are known. */
  async mayKnow(
    { roomId, joinRule, isWorldReadable, allowedRooms }: JoinFacts,
    user: number | undefined,
  ): Promise<boolean> {
    if (isWorldReadable || ['public', 'knock', 'knock_restricted'].includes(joinRule)) return true;
    if (user === undefined) return false;
    const rooms = await this.#userRooms.of(user);
    const membershipIn = async (id: string) => rooms.get((await this.#names.find(id)) ?? -1)?.membership;
    const membership = await membershipIn(roomId);
    if (membership === 'join' || membership === 'invite') return true;
    if (joinRule !== 'restricted') return false;
    for (const allowed of allowedRooms) if ((await membershipIn(allowed)) === 'join') return true;
    return false;
  }
}
