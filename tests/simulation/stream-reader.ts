import type { Caller } from '../../packages/homeserver/src/http/route.ts';
import type { Dice } from '../support/dice.ts';
import type { ClientEvent, Page } from '../support/user.ts';
import { Difference } from './difference.ts';
import type { SimServer } from './sim-server.ts';
import { stateKeyOf, type TrueEvent, type Truth } from './truth.ts';

/** A client of `GET /events`, for all rooms of a user or for some world readable rooms. */
export class StreamReader {
  readonly name: string;
  readonly #caller: Caller;
  readonly #world: { server: SimServer; truth: Truth };
  readonly #dice: Dice;
  readonly #peeks: boolean;
  readonly #told = new Set<string>();
  #rooms: string[] = [];
  #from: string | undefined;

  constructor(caller: Caller, peeks: boolean, world: { server: SimServer; truth: Truth }, dice: Dice) {
    this.name = `${caller.userId} (${peeks ? 'peeking' : 'events'})`;
    this.#caller = caller;
    this.#peeks = peeks;
    this.#world = world;
    this.#dice = dice;
  }

  /** Reads a page and checks it. */
  async step(): Promise<void> {
    const { server, truth } = this.#world;
    if (this.#from === undefined || this.#dice.chance(0.05)) await this.#begin();
    if (this.#peeks && this.#rooms.length === 0) return;
    const from = this.#from;
    const query = { from, limit: this.#dice.pick([1, 2, 5, 100]), ...(this.#peeks ? { room_id: this.#rooms } : {}) };
    const reply = await server.call(this.#caller, 'GET', '/events', { query });
    truth.refresh();
    if (this.#peeks && reply.status === 403) {
      this.#from = undefined;
      return;
    }
    if (reply.status !== 200) throw new Difference(`${this.name}: /events answers ${JSON.stringify(reply)}`);
    const page = reply.json as unknown as Page;
    this.#from = page.end;
    if (from !== undefined) this.#check(page, placeOf(from), placeOf(page.end ?? ''));
  }

  /** Starts again at the end of the stream, or with the current data of one room or all rooms. */
  async #begin(): Promise<void> {
    this.#from = undefined;
    this.#told.clear();
    if (this.#peeks) this.#rooms = this.#readableRooms();
    if (this.#dice.chance(0.5) || (this.#peeks && this.#rooms.length === 0)) return;
    const { server, truth } = this.#world;
    if (this.#peeks) this.#rooms.splice(1);
    const path = this.#peeks ? `/rooms/${encodeURIComponent(this.#rooms[0] ?? '')}/initialSync` : '/initialSync';
    const reply = await server.call(this.#caller, 'GET', path, { query: { limit: 8 } });
    if (reply.status !== 200) return;
    const json = reply.json as unknown as { end?: string; messages?: Page; rooms?: { messages?: Page }[] };
    const end = json.end ?? json.messages?.end ?? '';
    if (!end.startsWith('s')) return;
    this.#from = end;
    truth.refresh();
    for (const { messages } of json.rooms ?? [{ messages: json.messages }]) {
      for (const event of messages?.chunk ?? []) {
        const { id, num } = this.#find(event);
        if (num > placeOf(end))
          throw new Difference(`${this.name}: ${path} has ${id} (${num}), which is after its end ${end}`);
        this.#told.add(id);
      }
    }
  }

  #readableRooms(): string[] {
    const { userId } = this.#caller;
    return [...this.#world.truth.rooms.values()]
      .filter((room) => {
        const setting = room.state().get('m.room.history_visibility|')?.content.history_visibility;
        return setting === 'world_readable' && room.membershipOf(userId) !== 'join';
      })
      .slice(-3)
      .map(({ roomId }) => roomId);
  }

  /** Checks that a page contains exactly the events between two tokens that the reader may see, once and in order. */
  #check({ chunk }: Page, from: number, end: number): void {
    const { userId } = this.#caller;
    const told = chunk.filter(({ event_id }) => event_id !== undefined);
    let last = from;
    for (const event of told) {
      const found = this.#find(event);
      if (this.#told.has(found.id)) throw new Difference(`${this.name} is told ${found.id} twice`);
      this.#told.add(found.id);
      if (found.num <= last || found.num > end)
        throw new Difference(`${this.name}: ${found.id} (${found.num}) comes after ${last}, before ${end}`);
      last = found.num;
      const room = this.#world.truth.room(event.room_id ?? '');
      if (!room.visible(userId).includes(found))
        throw new Difference(`${this.name} sees ${found.id}, which is not for them`);
    }
    for (const event of this.#due(from, end)) {
      if (!this.#told.has(event.id))
        throw new Difference(`${this.name} is not told ${event.id} (${event.num}) between ${from} and ${end}`);
    }
  }

  #find(event: ClientEvent): TrueEvent {
    const found = this.#world.truth.room(event.room_id ?? '').byId.get(event.event_id);
    if (found === undefined) throw new Difference(`${this.name} is told ${event.event_id}, which does not exist`);
    return found;
  }

  /**
   * Returns the events that the reader has to get: those sent while they were in the room and still are, or could peek.
   */
  #due(from: number, end: number): TrueEvent[] {
    const { userId } = this.#caller;
    const rooms = [...this.#world.truth.rooms.values()].filter(
      ({ roomId }) => !this.#peeks || this.#rooms.includes(roomId),
    );
    return rooms.flatMap((room) => {
      const now = room.membershipOf(userId);
      const visible = room
        .visible(userId, end)
        .filter((event) => event.num > from && !room.isIgnoredInvite(userId, event));
      if (this.#peeks) return visible;
      const join = room.joinOf(userId);
      if (now === 'join' && join !== undefined) return visible.filter(({ num }) => num >= join.num);
      // A user outside a room gets the event that removed them.
      const last = room.state(end).get(stateKeyOf('m.room.member', userId));
      const isLast = room.state().get(stateKeyOf('m.room.member', userId)) === last;
      return visible.filter((event) => event === last && isLast);
    });
  }
}

function placeOf(token: string): number {
  return Number(token.slice(1));
}
