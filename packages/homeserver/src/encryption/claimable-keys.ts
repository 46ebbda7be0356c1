import { BatchCache } from '../platform/caches/batch-cache.ts';
import { cacheBytes } from '../platform/caches/cache-size.ts';
import {
  type ClaimableKeyRow,
  giveKeys,
  markFallbackKeysUsed,
  ONE_TIME,
  readClaimableKeys,
  readGivenKeys,
  readKeyStock,
} from '../storage/encryption/claimable-keys.ts';
import { type Database, Fenced } from '../storage/engine/database.ts';
import { algorithmOf, KeyStock, type TakenKey } from './key-stock.ts';

const CACHED_DEVICES_MAX = 50_000;
/** A second process can be faster; not again and again. */
const ATTEMPTS_MAX = 5;

/** A claimed key; `json` is the key, a JSON text. */
export type ClaimedKey = Pick<ClaimableKeyRow, 'key_id' | 'json'>;

/**
 * One-time and fallback keys (client-server API, "One-time and fallback keys"). Which keys there are is in memory, so
 * that claims in one process never meet over a key; the guard of their transaction sees to it that a copy that is wrong
 * gives nothing away a second time.
 */
export class ClaimableKeys {
  readonly #database: Database;
  readonly #stocks: BatchCache<KeyStock>;

  constructor(database: Database) {
    this.#database = database;
    this.#stocks = new BatchCache(
      CACHED_DEVICES_MAX,
      { bytesMax: cacheBytes(48), bytesOf: ({ bytes }) => bytes },
      (devices) => loadStocks(database, devices),
    );
  }

  /** The counts of a device; a promise only if they have to be loaded. */
  stockOf(device: number): KeyStock | Promise<KeyStock> {
    return this.#stocks.one(device);
  }

  /** Takes over keys that are on disk; those that they replace were of the same algorithms. */
  added(device: number, keys: readonly ClaimableKeyRow[]): void {
    this.#stocks.update(device, (stock) => {
      for (const key of keys) stock.add(key);
    });
  }

  /** A device that has just come to be has no keys. */
  deviceAdded(device: number): void {
    this.#stocks.set(device, new KeyStock());
  }

  /** Forgets devices that are gone, or of which something else was found on disk. */
  forget(devices: Iterable<number>): void {
    for (const device of devices) this.#stocks.delete(device);
  }

  /**
   * Takes a key from each device, by the algorithm that is wanted of it. Resolves when the keys are gone from the disk:
   * nobody will get one of them again, whatever happens.
   */
  async claim(wanted: ReadonlyMap<number, string>): Promise<ReadonlyMap<number, ClaimedKey>> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#claimOnce(wanted);
      } catch (error) {
        this.forget(wanted.keys());
        if (!(error instanceof Fenced) || attempt === ATTEMPTS_MAX) throw error;
      }
    }
  }

  async #claimOnce(wanted: ReadonlyMap<number, string>): Promise<ReadonlyMap<number, ClaimedKey>> {
    const stocks = await this.#stocks.many(wanted.keys());
    const taken = new Map<number, TakenKey>();
    for (const [device, algorithm] of wanted) {
      const key = stocks.get(device)?.take(algorithm);
      if (key !== undefined) taken.set(device, key);
    }
    if (taken.size === 0) return new Map();
    const given = [...taken].flatMap(([device, { num, isOneTime }]) =>
      isOneTime ? [{ device, algorithm: wanted.get(device) ?? '', num }] : [],
    );
    const fallback = numsOf(taken, ({ isFirstUse }) => isFirstUse);
    const nums = numsOf(taken, () => true);
    // No `await` stands between taking and committing, so that numbers reach the disk in the order in which they were
    // taken: a lower number after a higher one is refused, and its key would be given to nobody.
    const [rows] = await Promise.all([
      readClaimableKeys(this.#database, nums),
      this.#database.commit([
        ...(given.length > 0 ? [giveKeys(given)] : []),
        ...(fallback.length > 0 ? [markFallbackKeysUsed(fallback)] : []),
      ]),
    ]);
    if (rows.length < taken.size) throw new Fenced('a key is gone');
    const byNum = new Map(rows.map((row) => [row.num, row]));
    const claimed = new Map<number, ClaimedKey>();
    for (const [device, { num }] of taken) {
      const row = byNum.get(num);
      if (row !== undefined) claimed.set(device, row);
    }
    return claimed;
  }
}

function numsOf(taken: ReadonlyMap<number, TakenKey>, which: (key: TakenKey) => boolean): number[] {
  return [...taken.values()].filter(which).map(({ num }) => num);
}

async function loadStocks(database: Database, devices: readonly number[]): Promise<ReadonlyMap<number, KeyStock>> {
  const stocks = new Map(devices.map((device) => [device, new KeyStock()]));
  const [rows, given] = await Promise.all([readKeyStock(database, devices), readGivenKeys(database, devices)]);
  const upTo = new Map(given.map(({ device, algorithm, num }) => [`${device} ${algorithm}`, num]));
  for (const row of rows) {
    const stock = stocks.get(row.device);
    const isGiven = row.kind === ONE_TIME && row.num <= (upTo.get(`${row.device} ${algorithmOf(row.key_id)}`) ?? 0);
    if (isGiven) stock?.addGiven(row);
    else stock?.add(row);
  }
  return stocks;
}
