import { LruMap } from '../../platform/caches/lru.ts';
import { NOT_LOADED, type Source } from '../../platform/lookups/source.ts';
import { type Database, guard, sql, type Write, write } from './database.ts';
import { ReservedNames } from './reserved-names.ts';
import { isStorable } from './storable-text.ts';
import { WELL_KNOWN_NAMES, type WellKnownName } from './well-known-names.ts';

const readNum = sql('SELECT num FROM names WHERE text = ?');
const readNums = sql('SELECT num, text FROM names WHERE text IN @list');
const readText = sql('SELECT text FROM names WHERE num = ?');
const readTexts = sql('SELECT num, text FROM names WHERE num IN @list');
const readLast = sql('SELECT max(num) AS last FROM names');
// Concurrent transactions may each store a new name, because the same number always has the same text.
const insert = sql('INSERT INTO names (num, text) VALUES (?, ?) ON CONFLICT (num) DO NOTHING');
const confirm = sql('UPDATE names SET num = num WHERE num = ?');

const readAll = sql('SELECT num, text FROM names');

/**
 * The maximum number of cached names. Names of more than 255 bytes are rare, so that they take at most 80 MB and usually
 * 20 MB.
 */
const CACHED_MAX = 200_000;
/** The number of names that are loaded at the start. It takes about 10 ms; four times as many take 50 ms. */
const PRELOADED_MAX = 5_000;
const NO_WRITES: readonly Write[] = [];

/**
 * Interned strings: rooms, users, event types and state keys are integers inside the server and strings in its APIs. A
 * string has the same number for every use. A new string gets its number only in memory ({@link reserve}), so that
 * requests that only read or are refused leave no row. The transaction that stores the number also stores the string
 * ({@link inserts}).
 */
export class Names {
  #last: number;
  /** The highest number that was stored when this process started. */
  readonly #storedUpTo: number;
  readonly #database: Database;
  readonly #nums = new LruMap<string, number>(CACHED_MAX);
  readonly #texts = new LruMap<number, string>(CACHED_MAX);
  readonly #reserved = new ReservedNames();
  #storedCount = 0;
  /** Whether all names from the start are cached and no other process adds names. */
  #isPreloaded = false;

  /** The strings of numbers. */
  readonly textSource: Source<number, string> = {
    peek: (num) => this.#texts.get(num) ?? this.#reserved.text(num) ?? NOT_LOADED,
    load: async (nums) => {
      const texts = await this.texts(nums);
      return (num) => texts.get(num) ?? '';
    },
  };

  /** The numbers of strings that the server looks up by itself. */
  readonly wellKnownSource: Source<WellKnownName, number> = {
    peek: (text) => this.cachedNum(text) ?? NOT_LOADED,
    load: async (texts) => {
      const nums = await this.nums(texts);
      return (text) => nums.get(text) ?? 0;
    },
  };

  /** The numbers of strings that callers make up; `undefined` for a string that has none. */
  readonly numSource: Source<string, number | undefined> = {
    peek: (text) => this.cachedNum(text) ?? (this.isComplete ? undefined : NOT_LOADED),
    load: async (texts) => {
      const nums = await this.findAll(texts);
      return (text) => nums.get(text);
    },
  };

  private constructor(database: Database, last: number) {
    this.#database = database;
    this.#last = last;
    this.#storedUpTo = last;
  }

  /** Loads names from the database, and stores the names that the server always uses. */
  static async open(database: Database): Promise<Names> {
    const row = await database.first<{ last: number | null }>(readLast);
    const names = new Names(database, row?.last ?? 0);
    if (database.isExclusive) await names.#preload();
    const known = await names.reserveAll(WELL_KNOWN_NAMES);
    const writes = names.inserts(...known.values());
    if (writes.length > 0) await database.commit(writes);
    return names;
  }

  /** Whether every name is cached, so that other strings have no number. It is false when there are very many names. */
  get isComplete(): boolean {
    return this.#isPreloaded && this.#storedCount <= this.#nums.max / 2;
  }

  /** Returns the number of a string; `undefined` if it has none. It is for strings that clients can choose freely. */
  async find(text: string): Promise<number | undefined> {
    const cached = this.#nums.get(text);
    if (cached !== undefined || this.isComplete || !isStorable(text)) return cached;
    const row = await this.#database.first<{ num: number }>(readNum, text);
    if (row === undefined) return this.#nums.get(text);
    return this.#remember(row.num, text);
  }

  /** Returns the number of a string that the server itself uses. */
  num(text: WellKnownName): Promise<number> {
    return this.reserve(text);
  }

  /** Returns the numbers of many strings that the server itself uses, with at most one query. */
  nums(texts: Iterable<WellKnownName>): Promise<ReadonlyMap<string, number>> {
    return this.reserveAll(texts);
  }

  /**
   * Returns the number of a string, and reserves one in memory if it has none. A caller that stores the number adds
   * {@link inserts}.
   */
  async reserve(text: string): Promise<number> {
    return this.cachedNum(text) ?? (await this.find(text)) ?? this.#reserveNew(text);
  }

  /** Returns the numbers of many strings as {@link reserve}, with at most one query. */
  async reserveAll(texts: Iterable<string>): Promise<ReadonlyMap<string, number>> {
    const wanted = new Set(texts);
    const found = await this.findAll(wanted);
    for (const text of wanted) if (!found.has(text)) found.set(text, this.#reserveNew(text));
    return found;
  }

  /**
   * Returns the writes that store the strings of these numbers, unless they are stored. The transaction that stores the
   * numbers contains them after its guards. The caller requests them when it creates the transaction.
   */
  inserts(...nums: readonly number[]): readonly Write[] {
    let writes: Write[] | undefined;
    for (const num of nums) {
      if (num <= this.#storedUpTo) continue;
      const text = this.#reserved.text(num);
      if (text === undefined && this.#texts.get(num) !== undefined) continue;
      writes ??= [];
      // A guard checks that the database has a string that is no longer cached. Guards come first.
      if (text === undefined) writes.unshift(guard(confirm, num));
      else writes.push({ ...write(insert, num, text), stored: () => this.#stored(num, text) });
    }
    return writes ?? NO_WRITES;
  }

  /**
   * Returns the numbers of those strings that have one, with at most one query. It is for strings that clients can
   * choose freely.
   */
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
      // A concurrent call may have added the string during the query.
      const num = found.has(text) ? undefined : this.#nums.get(text);
      if (num !== undefined) found.set(text, num);
    }
    return found;
  }

  /** Returns the string of a number. */
  async text(num: number): Promise<string> {
    const cached = this.#texts.get(num) ?? this.#reserved.text(num);
    if (cached !== undefined) return cached;
    const row = await this.#database.first<{ text: string }>(readText, num);
    if (row === undefined) throw new Error(`no name has the number ${num}`);
    this.#remember(num, row.text);
    return row.text;
  }

  /** Returns the strings of many numbers with at most one query. */
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

  /** Returns the number of a cached string, stored or not; `undefined` if that needs a query. */
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

  /** Reserves a number, unless a concurrent call has reserved one since the query. */
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
