import type { DelayedEventRow } from '../storage/rooms/events/delayed-events.ts';

/** The number of outdated entries of the queue after which it is rebuilt. */
const STALE_MAX = 1_000;

/** Delayed events, indexed by id, by user, by the state that they set, and by due time. */
export class WaitingEvents {
  readonly #rows = new Map<string, DelayedEventRow>();
  readonly #byUser = new Groups<number>();
  readonly #byState = new Groups<string>();
  /**
   * A binary heap: no entry is due before the one at half its index. Entries of changed or deleted rows remain and are
   * skipped later.
   */
  #queue: DelayedEventRow[] = [];

  get size(): number {
    return this.#rows.size;
  }

  get(id: string): DelayedEventRow | undefined {
    return this.#rows.get(id);
  }

  /** Adds a row, or replaces the one with its id. */
  set(row: DelayedEventRow): void {
    this.#rows.set(row.id, row);
    this.#byUser.add(row.user_num, row.id);
    if (row.state_key !== null) this.#byState.add(placeOf(row.room_id, row.type, row.state_key), row.id);
    if (this.#queue.length > 2 * this.#rows.size + STALE_MAX) this.#rebuild();
    else this.#push(row);
  }

  delete(id: string): void {
    const row = this.#rows.get(id);
    if (row === undefined) return;
    this.#rows.delete(id);
    this.#byUser.remove(row.user_num, id);
    if (row.state_key !== null) this.#byState.remove(placeOf(row.room_id, row.type, row.state_key), id);
  }

  clear(): void {
    for (const id of this.#rows.keys()) this.delete(id);
    this.#queue = [];
  }

  /** Returns the delayed events of a user, the earliest first. */
  of(user: number): DelayedEventRow[] {
    return this.#all(this.#byUser.of(user)).sort((a, b) => a.send_ts - b.send_ts);
  }

  /** Returns the events that would set a state. */
  ofState(roomId: string, type: string, stateKey: string): DelayedEventRow[] {
    return this.#all(this.#byState.of(placeOf(roomId, type, stateKey)));
  }

  /** Returns the event that is due first. */
  first(): DelayedEventRow | undefined {
    for (;;) {
      const [first] = this.#queue;
      if (first === undefined || this.#rows.get(first.id) === first) return first;
      this.#pop();
    }
  }

  /** Returns the due events in order, without removing them. */
  due(now: number): DelayedEventRow[] {
    const due: DelayedEventRow[] = [];
    for (let first = this.first(); first !== undefined && first.send_ts <= now; first = this.first()) {
      due.push(first);
      this.#pop();
    }
    for (const row of due) this.#push(row);
    return due;
  }

  #all(ids: ReadonlySet<string>): DelayedEventRow[] {
    return [...ids].flatMap((id) => this.#rows.get(id) ?? []);
  }

  #rebuild(): void {
    // A sorted array is a heap.
    this.#queue = [...this.#rows.values()].sort((a, b) => a.send_ts - b.send_ts);
  }

  #push(row: DelayedEventRow): void {
    const queue = this.#queue;
    let place = queue.push(row) - 1;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const other = queue[above];
      if (other === undefined || other.send_ts <= row.send_ts) break;
      queue[place] = other;
      place = above;
    }
    queue[place] = row;
  }

  #pop(): void {
    const queue = this.#queue;
    const row = queue.pop();
    if (row === undefined || queue.length === 0) return;
    let place = 0;
    for (;;) {
      let below = 2 * place + 1;
      if ((queue[below + 1]?.send_ts ?? Number.POSITIVE_INFINITY) < (queue[below]?.send_ts ?? 0)) below += 1;
      const other = queue[below];
      if (other === undefined || other.send_ts >= row.send_ts) break;
      queue[place] = other;
      place = below;
    }
    queue[place] = row;
  }
}

function placeOf(roomId: string, type: string, stateKey: string): string {
  return JSON.stringify([roomId, type, stateKey]);
}

/** Groups of ids by a common key. */
class Groups<K> {
  readonly #ids = new Map<K, Set<string>>();

  of(key: K): ReadonlySet<string> {
    return this.#ids.get(key) ?? NOBODY;
  }

  add(key: K, id: string): void {
    const ids = this.#ids.get(key);
    if (ids === undefined) this.#ids.set(key, new Set([id]));
    else ids.add(id);
  }

  remove(key: K, id: string): void {
    const ids = this.#ids.get(key);
    ids?.delete(id);
    if (ids?.size === 0) this.#ids.delete(key);
  }
}

const NOBODY: ReadonlySet<string> = new Set();
