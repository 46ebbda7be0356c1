import { LruMap } from '../platform/lru.ts';

const PLACES_MAX = 20_000;

/**
 * Which member events a device has been sent in each room, so that lazy loading sends them once (client-server API,
 * "Lazy-loading room members"). In memory: after a restart they are sent once more, which is allowed.
 */
export class LazyMembersCache {
  readonly #sent = new LruMap<string, Map<number, number>>(PLACES_MAX);

  /** A first sync starts anew. */
  forget(device: number, room: number): void {
    this.#sent.delete(`${device}/${room}`);
  }

  /** Notes member events by user; gives those of the users whose event the device has not been sent. */
  news(device: number, room: number, members: Iterable<readonly [user: number, event: number]>): Set<number> {
    const key = `${device}/${room}`;
    const sent = this.#sent.get(key) ?? new Map<number, number>();
    this.#sent.set(key, sent);
    const fresh = new Set<number>();
    for (const [user, event] of members) {
      if (sent.get(user) !== event) fresh.add(user);
      sent.set(user, event);
    }
    return fresh;
  }

  /** Whether a user's member event of that number was sent. */
  has(device: number, room: number, user: number): boolean {
    return this.#sent.get(`${device}/${room}`)?.has(user) === true;
  }
}
