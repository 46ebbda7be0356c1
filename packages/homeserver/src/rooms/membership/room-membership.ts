import type { Lookups } from '../../platform/lookups/lookups.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { MembershipRow } from '../../storage/rooms/membership-store.ts';
import type { Heads } from '../heads.ts';
import { relatedIds, threadsOf } from '../threads.ts';
import type { EventPlace, Membership } from './membership-view.ts';
import type { UserRooms } from './user-rooms.ts';

const NOBODY: ReadonlySet<number> = new Set();
const NO_ROOMS: ReadonlyMap<number, MembershipRow> = new Map();

/** The memberships of users in rooms, answered from memory for rooms and users in use. */
export class RoomMembership implements Membership {
  readonly #heads: Heads;
  readonly #userRooms: UserRooms;
  readonly #events: EventStore;

  constructor(heads: Heads, userRooms: UserRooms, events: EventStore) {
    this.#heads = heads;
    this.#userRooms = userRooms;
    this.#events = events;
  }

  async isJoined(roomId: string, user: number): Promise<boolean> {
    return (await this.#heads.find(roomId))?.joined.has(user) === true;
  }

  async roomNum(roomId: string): Promise<number | undefined> {
    return (await this.#heads.find(roomId))?.num;
  }

  async joinedRooms(user: number): Promise<ReadonlySet<number>> {
    const joined = new Set<number>();
    for (const { room, membership } of (await this.#userRooms.of(user)).values())
      if (membership === 'join') joined.add(room);
    return joined;
  }

  async absentFrom(room: number, users: Iterable<number>): Promise<number[]> {
    const absent: number[] = [];
    for (const user of users) {
      const row = await this.#userRooms.one(user, room);
      if (row !== undefined && row.membership !== 'join') absent.push(user);
    }
    return absent;
  }

  membersOfRooms(lookups: Lookups, user: number): readonly ReadonlySet<number>[] {
    const rooms = lookups.get(this.#userRooms.source, user);
    const joined = [...rooms.values()].filter(({ membership }) => membership === 'join');
    const heads = lookups.all(
      this.#heads.source,
      joined.map(({ room }) => room),
    );
    return heads.map((head) => head?.joined ?? NOBODY);
  }

  sharesRoom(lookups: Lookups, a: number, b: number): boolean {
    const [ofA = NO_ROOMS, ofB = NO_ROOMS] = lookups.all(this.#userRooms.source, [a, b]);
    const [fewer, more] = ofA.size < ofB.size ? [ofA, ofB] : [ofB, ofA];
    for (const { room, membership } of fewer.values()) {
      if (membership === 'join' && more.get(room)?.membership === 'join') return true;
    }
    return false;
  }

  /** Returns the place of an event in a room's timeline. */
  async place(room: number, eventId: string): Promise<EventPlace | undefined> {
    const event = await this.#events.byId(eventId);
    if (event === undefined || event.room !== room || event.seq === null) return undefined;
    const thread = (await threadsOf(this.#events, [event])).get(event.num) ?? 'main';
    return {
      num: event.num,
      seq: event.seq,
      thread: event.redactedBy === null ? thread : undefined,
      relatesTo: await relatedIds(this.#events, event),
    };
  }
}
