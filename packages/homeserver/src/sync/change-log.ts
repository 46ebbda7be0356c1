import type { MembershipRow } from '../storage/membership-store.ts';
import type { Change, Stream } from '../storage/stream.ts';

/** Whether a change in a room is for a user with these memberships: who is in it, or whom the change itself moves. */
export function isForMember(change: Change, room: number, rows: ReadonlyMap<number, MembershipRow>): boolean {
  const row = rows.get(room);
  return row?.membership === 'join' || (change.kind === 'event' && row?.event === change.event);
}

/** How many changes are remembered; who has read less asks the database. */
const REMEMBERED_MAX = 20_000;

/** The latest changes of the server in memory, so that clients that keep up cost no query. */
export class ChangeLog {
  #changes: Change[] = [];
  /** Everything after this position is in `#changes`. */
  #from: number;

  constructor(stream: Stream) {
    this.#from = stream.current;
    stream.listen((changes) => this.#add(changes));
  }

  /** What has changed after a position, in order; `undefined` when that is too long ago to know. */
  since(position: number): readonly Change[] | undefined {
    if (position < this.#from) return undefined;
    return this.#changes.slice(this.#indexAfter(position));
  }

  /** Whether anything after a position meets a condition. */
  some(position: number, condition: (change: Change) => boolean): boolean {
    for (let i = this.#indexAfter(position); i < this.#changes.length; i += 1) {
      const change = this.#changes[i];
      if (change !== undefined && condition(change)) return true;
    }
    return false;
  }

  #add(changes: readonly Change[]): void {
    this.#changes.push(...changes);
    if (this.#changes.length <= 2 * REMEMBERED_MAX) return;
    this.#from = this.#changes.at(-REMEMBERED_MAX - 1)?.position ?? this.#from;
    this.#changes = this.#changes.slice(-REMEMBERED_MAX);
  }

  /** Where the changes after a position begin, by halving. */
  #indexAfter(position: number): number {
    let low = 0;
    let high = this.#changes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#changes[middle]?.position ?? 0) <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
