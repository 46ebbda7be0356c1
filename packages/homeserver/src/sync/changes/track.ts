import type { Change } from '../../storage/engine/stream.ts';

const NOTHING: readonly Change[] = [];
/** The number of removed changes at the front of a track after which the track is copied. */
const REMOVED_MAX = 64;

/** Changes in the order of their positions. The oldest can be removed. */
export class Track {
  #changes: Change[] = [];
  /** The index of the first change that is not removed. */
  #start = 0;

  get size(): number {
    return this.#changes.length - this.#start;
  }

  get first(): Change | undefined {
    return this.#changes[this.#start];
  }

  add(change: Change): void {
    this.#changes.push(change);
  }

  removeFirst(): void {
    this.#changes[this.#start] = REMOVED;
    this.#start += 1;
    if (this.#start > REMOVED_MAX && this.#start > this.#changes.length / 2) {
      this.#changes = this.#changes.slice(this.#start);
      this.#start = 0;
    }
  }

  /** Returns the changes after a position. */
  after(position: number): readonly Change[] {
    const last = this.#changes.at(-1);
    if (last === undefined || last.position <= position) return NOTHING;
    return this.#changes.slice(this.#indexAfter(position));
  }

  /** Returns the number of changes after a position. */
  countAfter(position: number): number {
    return this.#changes.length - this.#indexAfter(position);
  }

  /** Returns the index of the first change after a position, by binary search. */
  #indexAfter(position: number): number {
    let low = this.#start;
    let high = this.#changes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#changes[middle]?.position ?? 0) <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The placeholder for a removed change, so that the memory of the change is free. */
const REMOVED: Change = { kind: 'typing', position: 0, room: 0 };
