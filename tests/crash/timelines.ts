import type { ClientEvent, TestUser } from '../support/user.ts';
import type { Ledger } from './ledger.ts';

/** The part of a room's timeline that has been read. */
interface Timeline {
  readonly ids: string[];
  readonly places: Map<string, number>;
  /** Event ids by the mark in the content. */
  readonly marks: Map<string, string>;
}

/** The timelines of the rooms, read with `/messages` and compared with the acknowledged messages. */
export class Timelines {
  readonly #keeper: TestUser;
  readonly #timelines: ReadonlyMap<string, Timeline>;

  /** @param keeper a user who has joined all rooms */
  constructor(keeper: TestUser, rooms: readonly string[]) {
    this.#keeper = keeper;
    this.#timelines = new Map(rooms.map((room) => [room, { ids: [], places: new Map(), marks: new Map() }]));
  }

  get eventCount(): number {
    return [...this.#timelines.values()].reduce((sum, { ids }) => sum + ids.length, 0);
  }

  /** Reads new events since the last call, backwards from the end. @throws Error when an event appears twice */
  async readNews(): Promise<void> {
    for (const [roomId, timeline] of this.#timelines) {
      const last = timeline.ids.at(-1);
      const news: ClientEvent[] = [];
      let from: string | undefined;
      do {
        const page = await this.#keeper.messages(roomId, { from, limit: 200 });
        news.push(...page.chunk);
        from = page.chunk.some(({ event_id }) => event_id === last) ? undefined : page.end;
      } while (from !== undefined);
      const start = last === undefined ? -1 : news.findIndex(({ event_id }) => event_id === last);
      if (last !== undefined && start === -1) throw new Error(`${last} is no longer in ${roomId}`);
      const fresh = (start === -1 ? news : news.slice(0, start)).reverse();
      for (const event of fresh) add(timeline, event);
    }
  }

  /** Reads everything again, from the beginning. @throws Error when it differs from the events that were read before */
  async readAll(): Promise<void> {
    for (const [roomId, { ids }] of this.#timelines) {
      const all: string[] = [];
      let from: string | undefined;
      do {
        const page = await this.#keeper.messages(roomId, { from, dir: 'f', limit: 500 });
        all.push(...page.chunk.map(({ event_id }) => event_id));
        from = page.end;
      } while (from !== undefined);
      expectSame(`${roomId} from the beginning`, all, ids);
    }
  }

  /** Returns the id of the event with a mark. */
  find(roomId: string, mark: string): string | undefined {
    return this.#timelines.get(roomId)?.marks.get(mark);
  }

  /** Checks that all acknowledged events are present, and that each sender's messages are in order. */
  checkAcknowledged(ledger: Ledger): void {
    for (const [key, sendings] of ledger.sendings) {
      let last = -1;
      for (const { eventId, mark, roomId } of sendings) {
        if (eventId === undefined) continue;
        const place = this.#timelines.get(roomId)?.places.get(eventId);
        if (place === undefined) throw new Error(`${eventId} (${mark}) was acknowledged and is lost`);
        if (place <= last) throw new Error(`${eventId} (${mark}) of ${key} precedes a message that was sent earlier`);
        last = place;
      }
    }
    for (const [roomId, ids] of ledger.stateEvents) {
      for (const id of ids) {
        if (this.#timelines.get(roomId)?.places.has(id) !== true) throw new Error(`the state event ${id} is lost`);
      }
    }
    for (const { roomId, eventId } of ledger.redactions.values()) {
      if (eventId === undefined || this.#timelines.get(roomId)?.places.has(eventId) === true) continue;
      throw new Error(`the redaction ${eventId} is lost`);
    }
  }

  /** Checks that a follower has seen all events of a room once and in order, from the first event that it has seen. */
  checkSeen(name: string, roomId: string, seen: readonly string[]): void {
    const { ids, places } = this.#timelines.get(roomId) ?? { ids: [], places: new Map<string, number>() };
    const [first] = seen;
    if (first !== undefined) expectSame(`${name} in ${roomId}`, seen, ids.slice(places.get(first)));
  }
}

function add({ ids, places, marks }: Timeline, event: ClientEvent): void {
  const { event_id: id, content, type } = event;
  if (places.has(id)) throw new Error(`${id} appears twice`);
  places.set(id, ids.push(id) - 1);
  if (type !== 'm.room.message' || typeof content.body !== 'string') return;
  const other = marks.get(content.body);
  if (other !== undefined) throw new Error(`${content.body} was written twice, as ${other} and ${id}`);
  marks.set(content.body, id);
}

function expectSame(what: string, seen: readonly string[], truth: readonly string[]): void {
  const length = Math.max(seen.length, truth.length);
  for (let i = 0; i < length; i += 1) {
    if (seen[i] === truth[i]) continue;
    throw new Error(
      `${what}: at ${i} of ${seen.length} there is ${seen[i]} instead of ${truth[i]} (of ${truth.length}); ` +
        `it is at ${truth.indexOf(seen[i] ?? '')} in truth`,
    );
  }
}
