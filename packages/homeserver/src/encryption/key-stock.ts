import { type ClaimableKeyRow, ONE_TIME, USED_FALLBACK } from '../storage/encryption/claimable-keys.ts';

/** A key that is about to be claimed. */
export interface TakenKey {
  readonly num: number;
  /** Whether it is a one-time key, whose claim must be on disk before the answer. */
  readonly isOneTime: boolean;
  /** Whether it is a fallback key that was not used before. */
  readonly isFirstUse: boolean;
}

/** The algorithm whose count is always sent, because clients expect it even when it is zero. */
const USUAL_ALGORITHM = 'signed_curve25519';

/** The numbers of a device's one-time and fallback keys. The keys themselves are on disk. */
export class KeyStock {
  /** The numbers of unclaimed one-time keys by algorithm, in the order of upload. */
  readonly #oneTime = new Map<string, number[]>();
  /** The fallback key of each algorithm. */
  readonly #fallback = new Map<string, { readonly num: number; readonly isUsed: boolean }>();
  /** The highest number of a one-time key by algorithm. The numbers only increase. */
  readonly #last = new Map<string, number>();
  #syncText: string | undefined;
  /** Whether there are keys on disk, including claimed ones. */
  isOnDisk = false;

  /**
   * Adds a stored key once. A query can see a commit before its caller does, so a key may already be loaded, and even
   * claimed, when its upload is announced.
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

  /** Records a claimed one-time key that is still on disk. */
  addGiven({ num, key_id }: Pick<ClaimableKeyRow, 'num' | 'key_id'>): void {
    this.isOnDisk = true;
    this.#passes(algorithmOf(key_id), num);
  }

  /** An estimate of the memory of the stock in bytes. */
  get bytes(): number {
    let count = 0;
    for (const nums of this.#oneTime.values()) count += nums.length;
    return 400 + 8 * count;
  }

  /** Returns the algorithms of which the device has or had keys. */
  algorithms(): string[] {
    return [...new Set([...this.#last.keys(), ...this.#fallback.keys()])];
  }

  /** Takes the oldest one-time key of an algorithm, or its fallback key, which can be taken again. */
  take(algorithm: string): TakenKey | undefined {
    this.#syncText = undefined;
    const num = this.#oneTime.get(algorithm)?.shift();
    if (num !== undefined) return { num, isOneTime: true, isFirstUse: false };
    const fallback = this.#fallback.get(algorithm);
    if (fallback === undefined) return undefined;
    this.#fallback.set(algorithm, { num: fallback.num, isUsed: true });
    return { num: fallback.num, isOneTime: false, isFirstUse: !fallback.isUsed };
  }

  /** Returns whether a one-time key is not claimed. */
  has(keyId: string, num: number): boolean {
    return this.#oneTime.get(algorithmOf(keyId))?.includes(num) === true;
  }

  /** Returns the numbers of the fallback keys of these algorithms. */
  fallbackNums(algorithms: readonly string[]): number[] {
    return algorithms.flatMap((algorithm) => this.#fallback.get(algorithm)?.num ?? []);
  }

  /** Returns the number of unclaimed one-time keys by algorithm. */
  counts(): Record<string, number> {
    const counts: Record<string, number> = { [USUAL_ALGORITHM]: 0 };
    for (const [algorithm, nums] of this.#oneTime) if (nums.length > 0) counts[algorithm] = nums.length;
    return counts;
  }

  /**
   * The text of the two members of a `/sync` answer about the keys of a device ("Extensions to /sync"), after a comma.
   */
  get syncText(): string {
    this.#syncText ??= syncTextOf(this.counts(), this.#unusedFallbacks());
    return this.#syncText;
  }

  /** Returns whether a one-time key is new, and records it. */
  #passes(algorithm: string, num: number): boolean {
    if (num <= (this.#last.get(algorithm) ?? 0)) return false;
    this.#last.set(algorithm, num);
    return true;
  }

  #unusedFallbacks(): string[] {
    return [...this.#fallback].filter(([, { isUsed }]) => !isUsed).map(([algorithm]) => algorithm);
  }
}

/** Returns the algorithm in the id of a one-time or fallback key, `algorithm:id`. */
export function algorithmOf(keyId: string): string {
  return keyId.slice(0, keyId.indexOf(':'));
}

function syncTextOf(counts: Record<string, number>, unused: readonly string[]): string {
  const types = JSON.stringify(unused);
  return `,"device_one_time_keys_count":${JSON.stringify(counts)},"device_unused_fallback_key_types":${types}`;
}
