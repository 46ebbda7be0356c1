import { LruMap } from '../platform/lru.ts';

const PLACES_MAX = 20_000;

/** A member event that was sent, in the answer that led up to `at`. */
interface Sent {
  readonly event: number;
  readonly at: number;
}

/**
 * Which member events a device has been sent in each room, so that lazy loading sends them once (client-server API,
 * "Lazy-loading room members"). In memory: after a restart they are sent once more, which is allowed. An answer may get
 * lost on its way: what it held counts as sent only for a device that asks for what comes after it.
 */
export class LazyMembersCache {
  readonly #sent = new LruMap<string, Map<number, Sent>>(PLACES_MAX);

  /** A first sync starts anew. */
  forget(device: number, room: number): void {
    this.#sent.delete(`${device}/${room}`);
  }

  /** Notes member events by user; gives those of the users whose event the device has not been sent. */
  news(
    { device, room }: { readonly device: number; readonly room: number },
    members: Iterable<readonly [user: number, event: number]>,
    { since = 0, upTo }: { readonly since: number | undefined; readonly upTo: number },
  ): Set<number> {
    const key = `${device}/${room}`;
    const sent = this.#sent.get(key) ?? new Map<number, Sent>();
    this.#sent.set(key, sent);
    const fresh = new Set<number>();
    for (const [user, event] of members) {
      const before = sent.get(user);
      if (before?.event === event && before.at <= since) continue;
      fresh.add(user);
      sent.set(user, { event, at: upTo });
    }
    return fresh;
  }
}
