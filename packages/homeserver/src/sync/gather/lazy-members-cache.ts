import { cacheBytes, ENTRY_BYTES } from '../../platform/caches/cache-size.ts';
import { LruMap } from '../../platform/caches/lru.ts';

const NOBODY: ReadonlySet<number> = new Set();
const ROOMS_MAX = 20_000;
const DEVICES_MAX = 20_000;

/**
 * The value that identifies an answer to a client: the position of a `next_batch`, or the text of a `pos`. Several
 * answers of sliding sync may end at the same position.
 */
type Token = number | string;

/** The member events of one room that a client has. */
interface ClientMembers {
  /** Event numbers by user. */
  readonly members: Map<number, number>;
  /** Whether `members` contains every member event that the client has. */
  readonly isComplete: boolean;
}

/**
 * One request of a client that loads members lazily. The client has the member events of the answers that led to its
 * token. The answer to this request counts once the client sends the token of that answer.
 */
export interface LazyChain {
  readonly device: number;
  /** The client's token. */
  readonly token: Token | undefined;
  /** The key of the client's cached rooms. A client that goes back to an older token gets a new one. */
  readonly history: number;
  /** The token of the answer; `undefined` until there is one. */
  answered: Token | undefined;
  /** The member events that the answer contains, by room and user. */
  readonly sent: Map<number, Map<number, number>>;
  /** The rooms that the answer contains from the beginning. */
  readonly begun: Set<number>;
}

/**
 * A cache of the member events that each client has, so that lazy loading sends them once (client-server API,
 * "Lazy-loading room members"). After a restart the cache is empty. Members are then sent once more, and gaps contain
 * all changes of members.
 */
export class LazyMembersCache {
  readonly #rooms = new LruMap<string, ClientMembers>(ROOMS_MAX, {
    bytesMax: cacheBytes(32),
    bytesOf: ({ members }) => 300 + ENTRY_BYTES * members.size,
  });
  readonly #chains = new LruMap<number, LazyChain>(DEVICES_MAX, {
    bytesMax: cacheBytes(16),
    bytesOf: (chain) => 500 + chainBytes(chain),
  });
  #histories = 0;

  /** Begins a request of a device that has a token. */
  beginRequest(device: number, token: Token | undefined): LazyChain {
    const before = this.#chains.get(device);
    const isNext = before !== undefined && token !== undefined && before.answered === token;
    const isRepeated = before !== undefined && before.token === token && token !== undefined;
    if (isNext) this.#confirm(before);
    // The contents of answers with any other token are no longer known.
    const history = isNext || isRepeated ? before.history : this.#newHistory();
    const chain = { device, token, history, answered: undefined, sent: new Map(), begun: new Set<number>() };
    this.#chains.set(device, chain);
    return chain;
  }

  /** Ends a request with the token of its answer. */
  endRequest(chain: LazyChain, token: Token): void {
    chain.answered = token;
    const isLatest = this.#chains.get(chain.device) === chain;
    // The size of the entry has changed.
    if (isLatest && (chain.sent.size > 0 || chain.begun.size > 0)) this.#chains.set(chain.device, chain);
  }

  /** Returns whether the client has this member event of a user, or any if `event` is absent. */
  has(chain: LazyChain, room: number, user: number, event?: number): boolean {
    const found = this.#membersOf(chain, room)?.members.get(user);
    return found !== undefined && found === (event ?? found);
  }

  /** Returns whether all member events of a room that the client has are known. */
  isComplete(chain: LazyChain, room: number): boolean {
    return this.#membersOf(chain, room)?.isComplete ?? false;
  }

  /** Removes a room from the answer, because the room is rendered in another pass. */
  restart(chain: LazyChain, room: number): void {
    chain.begun.delete(room);
    chain.sent.delete(room);
  }

  /** Records that the answer contains a room from the beginning, so that earlier answers do not count. */
  begin(chain: LazyChain, room: number): void {
    chain.begun.add(room);
    chain.sent.delete(room);
  }

  /** Adds member events to the answer, by user. Returns the users whose member event the client does not have. */
  news(chain: LazyChain, room: number, members: Iterable<readonly [user: number, event: number]>): ReadonlySet<number> {
    const known = chain.begun.has(room) ? undefined : this.#membersOf(chain, room)?.members;
    let fresh: Set<number> | undefined;
    for (const [user, event] of members) {
      if (known?.get(user) === event) continue;
      fresh ??= new Set();
      fresh.add(user);
      const sent = chain.sent.get(room);
      if (sent === undefined) chain.sent.set(room, new Map([[user, event]]));
      else sent.set(user, event);
    }
    return fresh ?? NOBODY;
  }

  /**
   * Returns the cached member events of a room. Returns `undefined` for a request that is not the latest of its client,
   * because a later request may have changed the cache.
   */
  #membersOf(chain: LazyChain, room: number): ClientMembers | undefined {
    if (this.#chains.get(chain.device) !== chain) return undefined;
    return this.#rooms.get(keyOf(chain, room));
  }

  /** Records that the client has received the answer to a request. */
  #confirm(chain: LazyChain): void {
    for (const room of chain.begun) this.#rooms.set(keyOf(chain, room), { members: new Map(), isComplete: true });
    for (const [room, sent] of chain.sent) {
      const key = keyOf(chain, room);
      const known = this.#rooms.get(key) ?? { members: new Map<number, number>(), isComplete: false };
      for (const [user, event] of sent) known.members.set(user, event);
      this.#rooms.set(key, known);
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
