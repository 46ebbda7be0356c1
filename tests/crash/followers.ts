import type { Dice } from '../support/dice.ts';
import type { Page, SyncReply, TestUser } from '../support/user.ts';

/** A reader that follows rooms by one endpoint, across crashes, with the token of the last answer. */
export interface Follower {
  readonly name: string;
  /** The events that were seen in each room since the beginning, oldest first. */
  readonly seen: ReadonlyMap<string, readonly string[]>;
  /** Sends one request. Returns whether its token differs from the previous one. */
  step(timeoutMs: number): Promise<boolean>;
}

/** Follows rooms by `/sync`, and fills gaps with `/messages`. */
export class SyncFollower implements Follower {
  readonly name: string;
  readonly seen = new Map<string, string[]>();
  readonly #user: TestUser;
  readonly #rooms: ReadonlySet<string>;
  readonly #dice: Dice;
  #since: string | undefined;

  constructor(user: TestUser, rooms: readonly string[], dice: Dice) {
    this.name = `sync of ${user.userId}`;
    this.#user = user;
    this.#rooms = new Set(rooms);
    this.#dice = dice;
  }

  async step(timeoutMs: number): Promise<boolean> {
    const filter = { room: { timeline: { limit: this.#dice.pick([1, 5, 20, 100]) } }, presence: { not_types: ['*'] } };
    const reply = await this.#user.sync({ since: this.#since, filter: JSON.stringify(filter), timeout: timeoutMs });
    const isFirst = this.#since === undefined;
    const additions = await this.#additions(reply, isFirst);
    // The token is stored when the whole answer is processed. After a crash in between, the answer is requested again.
    for (const [roomId, ids] of additions) listOf(this.seen, roomId).push(...ids);
    const isNews = this.#since !== reply.next_batch;
    this.#since = reply.next_batch;
    return isNews;
  }

  async #additions(reply: SyncReply, isFirst: boolean): Promise<(readonly [string, string[]])[]> {
    const additions: (readonly [string, string[]])[] = [];
    for (const [roomId, { timeline }] of Object.entries(reply.rooms?.join ?? {})) {
      if (!this.#rooms.has(roomId) || timeline.events.length === 0) continue;
      const ids = timeline.events.map(({ event_id }) => event_id);
      const before = timeline.limited === true && !isFirst ? await this.#gap(roomId, timeline.prev_batch) : [];
      additions.push([roomId, [...before, ...ids]]);
    }
    return additions;
  }

  /** Returns the events between the last known event and a timeline. */
  async #gap(roomId: string, from: string | undefined): Promise<string[]> {
    const last = this.seen.get(roomId)?.at(-1);
    const ids: string[] = [];
    let token = from;
    while (token !== undefined) {
      const page: Page = await this.#user.messages(roomId, { from: token, limit: 50 });
      for (const { event_id } of page.chunk) {
        if (event_id === last) return ids.reverse();
        ids.push(event_id);
      }
      token = page.end;
    }
    throw new Error(`${this.name}: the gap in ${roomId} does not lead to ${last}`);
  }
}

/** Follows rooms by `/events`. */
export class EventsFollower implements Follower {
  readonly name: string;
  readonly seen = new Map<string, string[]>();
  readonly #user: TestUser;
  readonly #rooms: ReadonlySet<string>;
  readonly #dice: Dice;
  #from: string | undefined;

  constructor(user: TestUser, rooms: readonly string[], dice: Dice) {
    this.name = `events of ${user.userId}`;
    this.#user = user;
    this.#rooms = new Set(rooms);
    this.#dice = dice;
  }

  async step(timeoutMs: number): Promise<boolean> {
    const limit = this.#dice.pick([1, 10, 100]);
    const page = await this.#user.events({ from: this.#from, timeout: timeoutMs, limit });
    for (const { room_id: roomId = '', event_id } of page.chunk) {
      if (event_id === undefined || !this.#rooms.has(roomId)) continue;
      listOf(this.seen, roomId).push(event_id);
    }
    const isNews = this.#from !== page.end;
    this.#from = page.end;
    return isNews;
  }
}

function listOf(lists: Map<string, string[]>, roomId: string): string[] {
  const list = lists.get(roomId) ?? [];
  lists.set(roomId, list);
  return list;
}
