import { LruMap } from '../platform/lru.ts';
import { type Database, sql, write } from './database.ts';

const readNum = sql('SELECT num FROM names WHERE text = ?');
const readNums = sql('SELECT num, text FROM names WHERE text IN @list');
const readText = sql('SELECT text FROM names WHERE num = ?');
const readTexts = sql('SELECT num, text FROM names WHERE num IN @list');
const readLast = sql('SELECT max(num) AS last FROM names');
const insert = sql('INSERT INTO names (num, text) VALUES (?, ?)');

const readAll = sql('SELECT num, text FROM names');

const CACHED_MAX = 200_000;
/** As many are read at a start: some ten milliseconds; four times as many took fifty. */
const PRELOADED_MAX = 5_000;

/**
 * Interned strings: rooms, users, event types and state keys are integers inside and strings at the edge. One
 * string has one number, whatever it is used for.
 */
export class Names {
  #last: number;
  readonly #database: Database;
  readonly #nums = new LruMap<string, number>(CACHED_MAX);
  readonly #texts = new LruMap<number, string>(CACHED_MAX);
  /** All that were there at the start are in memory, and nobody else adds any. */
  #isPreloaded = false;

  private constructor(database: Database, last: number) {
    this.#database = database;
    this.#last = last;
  }

  static async open(database: Database): Promise<Names> {
    const row = await database.first<{ last: number | null }>(readLast);
    const names = new Names(database, row?.last ?? 0);
    if (database.isExclusive) await names.#preload();
    return names;
  }

  /** Every name is in memory: what is not there has never been seen. So it is as long as there are not very many. */
  get isComplete(): boolean {
    return this.#isPreloaded && this.#last <= this.#nums.max / 2;
  }

  /** The number of a string that may never have been seen: `undefined` then. For strings that callers make up. */
  async find(text: string): Promise<number | undefined> {
    const cached = this.#nums.get(text);
    if (cached !== undefined || this.isComplete) return cached;
    const row = await this.#database.first<{ num: number }>(readNum, text);
    if (row === undefined) return this.#nums.get(text);
    return this.#remember(row.num, text);
  }

  /** The number of a string, a new one if need be. Whatever is committed next can refer to it. */
  async num(text: string): Promise<number> {
    // Somebody else may have given it a number since the query was answered.
    return (await this.find(text)) ?? this.#nums.get(text) ?? this.#add(text);
  }

  /** The numbers of many strings, new ones if need be, with at most one query. */
  async nums(texts: Iterable<string>): Promise<ReadonlyMap<string, number>> {
    const wanted = new Set(texts);
    const found = await this.findAll(wanted);
    // Looked up again: waiting may have let somebody else add one.
    for (const text of wanted) if (!found.has(text)) found.set(text, this.#nums.get(text) ?? this.#add(text));
    return found;
  }

  /** Those of many strings that have a number, with at most one query. For strings that callers make up. */
  async findAll(texts: Iterable<string>): Promise<Map<string, number>> {
    const found = new Map<string, number>();
    const missing: string[] = [];
    for (const text of new Set(texts)) {
      const num = this.#nums.get(text);
      if (num === undefined) missing.push(text);
      else found.set(text, num);
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
    const cached = this.#texts.get(num);
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
      const text = this.#texts.get(num);
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

  /** The number of a string that is in memory, without a promise; `undefined` when it would need a query. */
  cachedNum(text: string): number | undefined {
    return this.#nums.get(text);
  }

  async #preload(): Promise<void> {
    if (this.#last > PRELOADED_MAX) return;
    if (this.#last > 0) {
      for (const { num, text } of await this.#database.all<{ num: number; text: string }>(readAll))
        this.#remember(num, text);
    }
    this.#isPreloaded = true;
  }

  #add(text: string): number {
    this.#last += 1;
    const num = this.#remember(this.#last, text);
    // Not awaited: transactions commit in order, so this one is on disk before any that uses the number.
    this.#database.commit([write(insert, num, text)]).catch(() => this.#forget(num, text));
    return num;
  }

  #remember(num: number, text: string): number {
    this.#nums.set(text, num);
    this.#texts.set(num, text);
    return num;
  }

  #forget(num: number, text: string): void {
    this.#nums.delete(text);
    this.#texts.delete(num);
  }
}
