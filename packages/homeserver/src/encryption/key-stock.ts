import { type ClaimableKeyRow, ONE_TIME, USED_FALLBACK } from '../storage/encryption/claimable-keys.ts';

/** A key that is given to somebody. */
export interface TakenKey {
  readonly num: number;
  /** It was a one-time key: it must be gone before it is given away. */
  readonly isOneTime: boolean;
  /** It was a fallback key that nobody had before. */
  readonly isFirstUse: boolean;
}

/** The algorithm whose count clients look for even when it is zero. */
const USUAL_ALGORITHM = 'signed_curve25519';

/** Which one-time and fallback keys a device has: numbers only, the keys themselves are on disk. */
export class KeyStock {
  /** By algorithm, in the order of upload. */
  readonly #oneTime = new Map<string, number[]>();
  /** One for each algorithm. */
  readonly #fallback = new Map<string, { readonly num: number; readonly isUsed: boolean }>();
  /** By algorithm, the last one-time key that was here: their numbers only rise. */
  readonly #last = new Map<string, number>();
  #syncText: string | undefined;
  /** There are keys on disk, be it such that have been given out. */
  isOnDisk = false;

  /**
   * Takes over a key that is on disk, once: readers see a commit before those who wait for it, so that a key may have
   * been loaded, and even given out, by the time its upload is announced.
   */
  add({ num, kind, key_id }: Omit<ClaimableKeyRow, 'json'>): void {
    const algorithm = algorithmOf(key_id);
    this.isOnDisk = true;
    this.#syncText = undefined;
    if (kind !== ONE_TIME) {
      if (num > (this.#fallback.get(algorithm)?.num ?? 0))
        this.#fallback.set(algorithm, { num, isUsed: kind === USED_FALLBACK });
    } else if (this.#passes(algorithm, num)) {
      const nums = this.#oneTime.get(algorithm);
      if (nums === undefined) this.#oneTime.set(algorithm, [num]);
      else nums.push(num);
    }
  }

  /** Notes that a one-time key is on disk but has been given out. */
  addGiven({ num, key_id }: Pick<ClaimableKeyRow, 'num' | 'key_id'>): void {
    this.isOnDisk = true;
    this.#passes(algorithmOf(key_id), num);
  }

  /** An estimate of the memory of the stock. */
  get bytes(): number {
    let count = 0;
    for (const nums of this.#oneTime.values()) count += nums.length;
    return 400 + 8 * count;
  }

  /** Returns the algorithms of which the device has or had keys. */
  algorithms(): string[] {
    return [...new Set([...this.#last.keys(), ...this.#fallback.keys()])];
  }

  /** Takes the oldest one-time key of an algorithm, or else its fallback key, which stays. Nobody gets the former again. */
  take(algorithm: string): TakenKey | undefined {
    this.#syncText = undefined;
    const num = this.#oneTime.get(algorithm)?.shift();
    if (num !== undefined) return { num, isOneTime: true, isFirstUse: false };
    const fallback = this.#fallback.get(algorithm);
    if (fallback === undefined) return undefined;
    this.#fallback.set(algorithm, { num: fallback.num, isUsed: true });
    return { num: fallback.num, isOneTime: false, isFirstUse: !fallback.isUsed };
  }

  /** Whether a one-time key has not been given out. */
  has(keyId: string, num: number): boolean {
    return this.#oneTime.get(algorithmOf(keyId))?.includes(num) === true;
  }

  /** The numbers of the fallback keys of these algorithms. */
  fallbackNums(algorithms: readonly string[]): number[] {
    return algorithms.flatMap((algorithm) => this.#fallback.get(algorithm)?.num ?? []);
  }

  /** By algorithm, how many one-time keys are left. */
  counts(): Record<string, number> {
    const counts: Record<string, number> = { [USUAL_ALGORITHM]: 0 };
    for (const [algorithm, nums] of this.#oneTime) if (nums.length > 0) counts[algorithm] = nums.length;
    return counts;
  }

  /** The two members of a `/sync` answer that say what a device has ("Extensions to /sync"), with a comma in front. */
  get syncText(): string {
    this.#syncText ??= syncTextOf(this.counts(), this.#unusedFallbacks());
    return this.#syncText;
  }

  /** Whether a one-time key has not been here before; it has then. */
  #passes(algorithm: string, num: number): boolean {
    if (num <= (this.#last.get(algorithm) ?? 0)) return false;
    this.#last.set(algorithm, num);
    return true;
  }

  #unusedFallbacks(): string[] {
    return [...this.#fallback].filter(([, { isUsed }]) => !isUsed).map(([algorithm]) => algorithm);
  }
}

/** The algorithm in the id of a one-time or fallback key, `algorithm:id`. */
export function algorithmOf(keyId: string): string {
  return keyId.slice(0, keyId.indexOf(':'));
}

function syncTextOf(counts: Record<string, number>, unused: readonly string[]): string {
  const types = JSON.stringify(unused);
  return `,"device_one_time_keys_count":${JSON.stringify(counts)},"device_unused_fallback_key_types":${types}`;
}
