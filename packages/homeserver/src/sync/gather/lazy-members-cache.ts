import { cacheBytes, ENTRY_BYTES } from '../../platform/caches/cache-size.ts';
import { LruMap } from '../../platform/caches/lru.ts';

const PLACES_MAX = 20_000;
const DEVICES_MAX = 20_000;

/** The member events that a client has of one room. */
interface Place {
  /** Event numbers by user. */
  readonly members: Map<number, number>;
  /** No member event was ever sent to the client that is not in `members`. */
  readonly isComplete: boolean;
}

/**
 * One request of a client that loads members lazily: what the client has is what the answers contained that led to its
 * token. The answer to this request adds to that when the client comes back with the token of that answer.
 */
export interface LazyChain {
  readonly device: number;
  /** The position of the client's token. */
  readonly token: number | undefined;
  /** Names the client's places: a client that goes back to an older token gets new ones. */
  readonly history: number;
  /** The position at which the answer ends, once there is one. */
  answered: number | undefined;
  /** The member events that the answer contains, by room and user. */
  readonly sent: Map<number, Map<number, number>>;
  /** Rooms that the client gets as a whole with the answer. */
  readonly begun: Set<number>;
}

/**
 * Which member events a client has in each room, so that lazy loading sends them once (client-server API, "Lazy-loading
 * room members"). In memory: after a restart nothing is known of what clients have, so that members are sent once more,
 * and gaps bring all changes of members.
 */
export class LazyMembersCache {
  readonly #places = new LruMap<string, Place>(PLACES_MAX, {
    bytesMax: cacheBytes(32),
    bytesOf: ({ members }) => 300 + ENTRY_BYTES * members.size,
  });
  readonly #chains = new LruMap<number, LazyChain>(DEVICES_MAX, {
    bytesMax: cacheBytes(16),
    bytesOf: (chain) => 500 + chainBytes(chain),
  });
  #histories = 0;

  /** Begins the request of a device with the token of a position. */
  asked(device: number, token: number | undefined): LazyChain {
    const before = this.#chains.get(device);
    const isNext = before !== undefined && token !== undefined && before.answered === token;
    const isRepeated = before !== undefined && before.token === token && token !== undefined;
    if (isNext) this.#confirm(before);
    // Any other token belongs to an answer of which nothing is known any more.
    const history = isNext || isRepeated ? before.history : this.#newHistory();
    const chain = { device, token, history, answered: undefined, sent: new Map(), begun: new Set<number>() };
    this.#chains.set(device, chain);
    return chain;
  }

  /** Ends a request: its answer ends at a position. */
  answered(chain: LazyChain, upTo: number): void {
    chain.answered = upTo;
    const isLatest = this.#chains.get(chain.device) === chain;
    // Put in again, since it has grown.
    if (isLatest && (chain.sent.size > 0 || chain.begun.size > 0)) this.#chains.set(chain.device, chain);
  }

  /** Whether the client has this member event of a user, or any of them. */
  has(chain: LazyChain, room: number, user: number, event?: number): boolean {
    const found = this.#place(chain, room)?.members.get(user);
    return found !== undefined && found === (event ?? found);
  }

  /** Whether all member events that the client has of a room are known. */
  isComplete(chain: LazyChain, room: number): boolean {
    return this.#place(chain, room)?.isComplete ?? false;
  }

  /** Forgets what was added to the answer for a room: the room is rendered in another pass. */
  restart(chain: LazyChain, room: number): void {
    chain.begun.delete(room);
    chain.sent.delete(room);
  }

  /** The answer contains the whole room. */
  begin(chain: LazyChain, room: number): void {
    chain.begun.add(room);
    chain.sent.delete(room);
  }

  /** Adds member events to the answer, by user; returns those of the users whose event the client does not have. */
  news(chain: LazyChain, room: number, members: Iterable<readonly [user: number, event: number]>): Set<number> {
    const known = chain.begun.has(room) ? undefined : this.#place(chain, room)?.members;
    const fresh = new Set<number>();
    for (const [user, event] of members) {
      if (known?.get(user) === event) continue;
      fresh.add(user);
      const sent = chain.sent.get(room);
      if (sent === undefined) chain.sent.set(room, new Map([[user, event]]));
      else sent.set(user, event);
    }
    return fresh;
  }

  /** `undefined` also for a request that is not the latest of its client: others may have changed what is noted. */
  #place(chain: LazyChain, room: number): Place | undefined {
    if (this.#chains.get(chain.device) !== chain) return undefined;
    return this.#places.get(keyOf(chain, room));
  }

  /** The client has an answer. */
  #confirm(chain: LazyChain): void {
    for (const room of chain.begun) this.#places.set(keyOf(chain, room), { members: new Map(), isComplete: true });
    for (const [room, sent] of chain.sent) {
      const key = keyOf(chain, room);
      const place = this.#places.get(key) ?? { members: new Map<number, number>(), isComplete: false };
      for (const [user, event] of sent) place.members.set(user, event);
      this.#places.set(key, place);
    }
  }

  #newHistory(): number {
    this.#histories += 1;
    return this.#histories;
  }
}

function chainBytes({ sent, begun }: LazyChain): number {
  let bytes = ENTRY_BYTES * begun.size;
  for (const members of sent.values()) bytes += 200 + ENTRY_BYTES * members.size;
  return bytes;
}

function keyOf({ history }: LazyChain, room: number): string {
  return `${history}/${room}`;
}
