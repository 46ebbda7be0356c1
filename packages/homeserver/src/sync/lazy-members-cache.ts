import { LruMap } from '../platform/lru.ts';

const PLACES_MAX = 20_000;
const DEVICES_MAX = 20_000;
/** Answers whose arrival is not known yet; a device with more on their way is sent some members twice. */
const PENDING_MAX = 4;

/** A member event of a room that was put into an answer. */
interface Sent {
  readonly room: number;
  readonly user: number;
  readonly event: number;
}

/** The answer that ends at a position. */
interface Pending {
  readonly upTo: number;
  readonly sent: Sent[];
}

/**
 * Which member events a device has in each room, so that lazy loading sends them once (client-server API,
 * "Lazy-loading room members"). An answer may get lost on its way: it counts when the device comes back with its token.
 * In memory: after a restart members are sent once more, which is allowed.
 */
export class LazyMembersCache {
  readonly #arrived = new LruMap<string, Map<number, number>>(PLACES_MAX);
  readonly #pending = new LruMap<number, Pending[]>(DEVICES_MAX);

  /** A first sync starts anew. */
  forget(device: number, room: number): void {
    this.#arrived.delete(`${device}/${room}`);
  }

  /** A device asks for what comes after a position: it has the answer that ended there, and no other. */
  asked(device: number, since: number | undefined): void {
    const answers = this.#pending.get(device);
    if (answers === undefined) return;
    for (const { room, user, event } of answers.findLast(({ upTo }) => upTo === since)?.sent ?? [])
      this.#place(device, room).set(user, event);
    this.#pending.delete(device);
  }

  /** Whether a device has this member event of a user, or any of them. */
  has(device: number, room: number, user: number, event?: number): boolean {
    const arrived = this.#arrived.get(`${device}/${room}`)?.get(user);
    return arrived !== undefined && arrived === (event ?? arrived);
  }

  /** Notes the member events of an answer by user; gives those of the users whose event the device does not have. */
  news(
    { device, room, upTo }: { readonly device: number; readonly room: number; readonly upTo: number },
    members: Iterable<readonly [user: number, event: number]>,
  ): Set<number> {
    const arrived = this.#arrived.get(`${device}/${room}`);
    const fresh = new Set<number>();
    for (const [user, event] of members) {
      if (arrived?.get(user) === event) continue;
      fresh.add(user);
      this.#answer(device, upTo).push({ room, user, event });
    }
    return fresh;
  }

  #place(device: number, room: number): Map<number, number> {
    const key = `${device}/${room}`;
    const place = this.#arrived.get(key) ?? new Map<number, number>();
    this.#arrived.set(key, place);
    return place;
  }

  #answer(device: number, upTo: number): Sent[] {
    const answers = this.#pending.get(device) ?? [];
    const known = answers.find((answer) => answer.upTo === upTo);
    if (known !== undefined) return known.sent;
    const answer = { upTo, sent: [] };
    this.#pending.set(device, [...answers, answer].slice(-PENDING_MAX));
    return answer.sent;
  }
}
