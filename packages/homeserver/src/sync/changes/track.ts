import type { Change } from '../../storage/engine/stream.ts';

const NOTHING: readonly Change[] = [];
/** Removed changes at the front of a track, after which it is copied. */
const REMOVED_MAX = 64;

/** Changes in the order of their positions, from which the oldest are removed. */
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

  /** Returns how many changes there are after a position. */
  countAfter(position: number): number {
    return this.#changes.length - this.#indexAfter(position);
  }

  /** Finds where the changes after a position begin, by halving. */
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

/** Takes the place of a change that is removed, so that its memory is free. */
const REMOVED: Change = { kind: 'typing', position: 0, room: 0 };
