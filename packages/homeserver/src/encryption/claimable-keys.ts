import { BatchCache } from '../platform/caches/batch-cache.ts';
import { cacheBytes } from '../platform/caches/cache-size.ts';
import type { Source } from '../platform/lookups/source.ts';
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
/** Attempts of a claim. An attempt fails if another process claims at the same time. */
const ATTEMPTS_MAX = 5;

/** A claimed key; `json` is the key, a JSON text. */
export type ClaimedKey = Pick<ClaimableKeyRow, 'key_id' | 'json'>;

/**
 * One-time and fallback keys (client-server API, "One-time and fallback keys"). The numbers of the keys are in memory,
 * so that parallel claims in one process never take the same key. The guard of the transaction rejects a claim that is
 * based on an outdated copy.
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

  /** Returns the stock of a device. */
  async stockOf(device: number): Promise<KeyStock> {
    return this.#stocks.one(device);
  }

  /** The same as {@link stockOf}. */
  get source(): Source<number, KeyStock> {
    return this.#stocks.source;
  }

  /** Adds stored keys to the cache. Fallback keys replace earlier ones of the same algorithms. */
  added(device: number, keys: readonly ClaimableKeyRow[]): void {
    this.#stocks.update(device, (stock) => {
      for (const key of keys) stock.add(key);
    });
  }

  /** Caches that a new device has no keys. */
  deviceAdded(device: number): void {
    this.#stocks.set(device, new KeyStock());
  }

  /** Evicts devices that were removed, or whose cached stock is wrong. */
  forget(devices: Iterable<number>): void {
    for (const device of devices) this.#stocks.delete(device);
  }

  /**
   * Claims a key of each device with the given algorithm. Resolves when the claims are on disk, so that no one-time key
   * can be claimed again. A fallback key can: a device without one-time keys gives it to every claim.
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
    // There is no `await` between taking and committing, so that the numbers are committed in the order in which they
    // were taken. A lower number after a higher one would be rejected, and its key would be lost.
    const [rows] = await Promise.all([
      readClaimableKeys(this.#database, nums),
      this.#database.commit([
        ...(given.length > 0 ? [giveKeys(given)] : []),
        ...(fallback.length > 0 ? [markFallbackKeysUsed(fallback)] : []),
      ]),
    ]);
    // A device was removed, or its keys were replaced, while they were read. The claims of this attempt are on disk, so
    // the next attempt takes other one-time keys.
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
