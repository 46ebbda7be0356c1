import { LruMap } from '../../platform/caches/lru.ts';
import { type Database, guard, sql, type Write, write } from './database.ts';
import { ReservedNames } from './reserved-names.ts';
import { isStorable } from './storable-text.ts';
import { WELL_KNOWN_NAMES, type WellKnownName } from './well-known-names.ts';

const readNum = sql('SELECT num FROM names WHERE text = ?');
const readNums = sql('SELECT num, text FROM names WHERE text IN @list');
const readText = sql('SELECT text FROM names WHERE num = ?');
const readTexts = sql('SELECT num, text FROM names WHERE num IN @list');
const readLast = sql('SELECT max(num) AS last FROM names');
// The same number always comes with the same text: transactions that use a new name at the same time each store it.
const insert = sql('INSERT INTO names (num, text) VALUES (?, ?) ON CONFLICT (num) DO NOTHING');
const confirm = sql('UPDATE names SET num = num WHERE num = ?');

const readAll = sql('SELECT num, text FROM names');

/** None is longer than 255 bytes, so that all take some 80 MB at most and 20 MB usually. */
const CACHED_MAX = 200_000;
/** As many are read at a start: some ten milliseconds; four times as many took fifty. */
const PRELOADED_MAX = 5_000;
const NO_WRITES: readonly Write[] = [];

/**
 * Interned strings: rooms, users, event types and state keys are integers inside and strings at the edge. One
 * string has one number, whatever it is used for.
 *
 * A new string gets its number in memory alone ({@link reserve}), so that requests that only ask or are refused leave
 * no row behind. The transaction that stores the number stores the string with it ({@link inserts}).
 */
export class Names {
  #last: number;
  /** Numbers up to this one were stored before this process began. */
  readonly #storedUpTo: number;
  readonly #database: Database;
  readonly #nums = new LruMap<string, number>(CACHED_MAX);
  readonly #texts = new LruMap<number, string>(CACHED_MAX);
  readonly #reserved = new ReservedNames();
  #storedCount = 0;
  /** All that were there at the start are in memory, and nobody else adds any. */
  #isPreloaded = false;

  private constructor(database: Database, last: number) {
    this.#database = database;
    this.#last = last;
    this.#storedUpTo = last;
  }

  /** Reads what is needed from the database, and stores the names that the server always uses. */
  static async open(database: Database): Promise<Names> {
    const row = await database.first<{ last: number | null }>(readLast);
    const names = new Names(database, row?.last ?? 0);
    if (database.isExclusive) await names.#preload();
    const known = await names.reserveAll(WELL_KNOWN_NAMES);
    const writes = names.inserts(...known.values());
    if (writes.length > 0) await database.commit(writes);
    return names;
  }

  /** Every name is in memory: what is not there has never been seen. This holds as long as there are not very many. */
  get isComplete(): boolean {
    return this.#isPreloaded && this.#storedCount <= this.#nums.max / 2;
  }

  /** The number of a string that may never have been seen: `undefined` then. For strings that callers make up. */
  async find(text: string): Promise<number | undefined> {
    const cached = this.#nums.get(text);
    if (cached !== undefined || this.isComplete || !isStorable(text)) return cached;
    const row = await this.#database.first<{ num: number }>(readNum, text);
    if (row === undefined) return this.#nums.get(text);
    return this.#remember(row.num, text);
  }

  /** The number of a string that the server looks up by itself. */
  num(text: WellKnownName): Promise<number> {
    return this.reserve(text);
  }

  /** As {@link num}, for many strings with at most one query. */
  nums(texts: Iterable<WellKnownName>): Promise<ReadonlyMap<string, number>> {
    return this.reserveAll(texts);
  }

  /** The number of a string; one that has none gets it in memory. A caller that stores the number adds {@link inserts}. */
  async reserve(text: string): Promise<number> {
    return this.cachedNum(text) ?? (await this.find(text)) ?? this.#reserveNew(text);
  }

  /** As {@link reserve}, for many strings with at most one query. */
  async reserveAll(texts: Iterable<string>): Promise<ReadonlyMap<string, number>> {
    const wanted = new Set(texts);
    const found = await this.findAll(wanted);
    for (const text of wanted) if (!found.has(text)) found.set(text, this.#reserveNew(text));
    return found;
  }

  /**
   * The writes that store the strings of these numbers, as far as they are not stored. They belong into the transaction
   * that stores the numbers, behind its guards, and are asked for when that is put together.
   */
  inserts(...nums: readonly number[]): readonly Write[] {
    let writes: Write[] | undefined;
    for (const num of nums) {
      if (num <= this.#storedUpTo) continue;
      const text = this.#reserved.text(num);
      if (text === undefined && this.#texts.get(num) !== undefined) continue;
      writes ??= [];
      // Whether a string is stored that is no longer in memory, the database knows. Guards stand first.
      if (text === undefined) writes.unshift(guard(confirm, num));
      else writes.push({ ...write(insert, num, text), stored: () => this.#stored(num, text) });
    }
    return writes ?? NO_WRITES;
  }

  /** Those of many strings that have a number, with at most one query. For strings that callers make up. */
  async findAll(texts: Iterable<string>): Promise<Map<string, number>> {
    const found = new Map<string, number>();
    const missing: string[] = [];
    for (const text of new Set(texts)) {
      const num = this.#nums.get(text);
      if (num !== undefined) found.set(text, num);
      else if (isStorable(text)) missing.push(text);
    }
    if (missing.length === 0 || this.isComplete) return found;
    for (const row of await this.#database.all<{ num: number; text: string }>(readNums, missing)) {
      found.set(row.text, this.#remember(row.num, row.text));
    }
    for (const text of missing) {
      // Somebody may have added it while it was looked for.
      const num = found.has(text) ? undefined : this.#nums.get(text);
      if (num !== undefined) found.set(text, num);
    }
    return found;
  }

  /** The string of a number. */
  async text(num: number): Promise<string> {
    const cached = this.#texts.get(num) ?? this.#reserved.text(num);
    if (cached !== undefined) return cached;
    const row = await this.#database.first<{ text: string }>(readText, num);
    if (row === undefined) throw new Error(`no name has the number ${num}`);
    this.#remember(num, row.text);
    return row.text;
  }

  /** The strings of many numbers with at most one query. */
  async texts(nums: Iterable<number>): Promise<ReadonlyMap<number, string>> {
    const found = new Map<number, string>();
    const missing: number[] = [];
    for (const num of new Set(nums)) {
      const text = this.#texts.get(num) ?? this.#reserved.text(num);
      if (text === undefined) missing.push(num);
      else found.set(num, text);
    }
    if (missing.length === 0) return found;
    for (const row of await this.#database.all<{ num: number; text: string }>(readTexts, missing)) {
      this.#remember(row.num, row.text);
      found.set(row.num, row.text);
    }
    return found;
  }

  /** The number of a string that is in memory, stored or not, without a promise; `undefined` when it would need a query. */
  cachedNum(text: string): number | undefined {
    return this.#nums.get(text) ?? this.#reserved.num(text);
  }

  async #preload(): Promise<void> {
    if (this.#last > PRELOADED_MAX) return;
    if (this.#last > 0) {
      for (const { num, text } of await this.#database.all<{ num: number; text: string }>(readAll)) {
        this.#remember(num, text);
        this.#storedCount += 1;
      }
    }
    this.#isPreloaded = true;
  }

  /** Looks first whether somebody else has given the string a number since it was looked for. */
  #reserveNew(text: string): number {
    const known = this.cachedNum(text);
    if (known !== undefined) return known;
    this.#last += 1;
    this.#reserved.add(this.#last, text);
    return this.#last;
  }

  #stored(num: number, text: string): void {
    if (this.#texts.get(num) === undefined) this.#storedCount += 1;
    this.#reserved.delete(num, text);
    this.#remember(num, text);
  }

  #remember(num: number, text: string): number {
    this.#nums.set(text, num);
    this.#texts.set(num, text);
    return num;
  }
}
