import type { Lookups } from '../../src/platform/lookups/lookups.ts';
import type { EventPlace, Membership } from '../../src/rooms/membership/membership-view.ts';
import type { Names } from '../../src/storage/engine/names.ts';

/** Rooms as far as other domains see them: a test says who is where and which events there are. */
export class PlainRooms implements Membership {
  readonly #names: Names;
  readonly #members = new Map<number, Set<number>>();
  readonly #events = new Map<string, EventPlace & { room: number }>();

  constructor(names: Names) {
    this.#names = names;
  }

  async join(roomId: string, ...users: number[]): Promise<number> {
    const room = await this.#names.reserve(roomId);
    const members = this.#members.get(room) ?? new Set();
    this.#members.set(room, members);
    for (const user of users) members.add(user);
    return room;
  }

  leave(room: number, user: number): void {
    this.#members.get(room)?.delete(user);
  }

  addEvent(room: number, eventId: string, seq: number, thread = 'main'): void {
    this.#events.set(eventId, { room, num: seq, seq, thread, relatesTo: [eventId] });
  }

  place = async (room: number, eventId: string): Promise<EventPlace | undefined> => {
    const event = this.#events.get(eventId);
    return event?.room === room ? event : undefined;
  };

  async isJoined(roomId: string, user: number): Promise<boolean> {
    const room = await this.roomNum(roomId);
    return room !== undefined && (this.#members.get(room)?.has(user) ?? false);
  }

  async roomNum(roomId: string): Promise<number | undefined> {
    return this.#names.find(roomId);
  }

  async joinedRooms(user: number): Promise<ReadonlySet<number>> {
    return new Set([...this.#members].filter(([, members]) => members.has(user)).map(([room]) => room));
  }

  async absentFrom(room: number, users: Iterable<number>): Promise<number[]> {
    return [...users].filter((user) => this.#members.get(room)?.has(user) !== true);
  }

  membersOfRooms(_: Lookups, user: number): readonly ReadonlySet<number>[] {
    return [...this.#members.values()].filter((members) => members.has(user));
  }

  sharesRoom(_: Lookups, a: number, b: number): boolean {
    return [...this.#members.values()].some((members) => members.has(a) && members.has(b));
  }
}
