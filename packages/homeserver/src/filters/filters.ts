import { hash } from 'node:crypto';
import { notFound, tooLarge } from '@hearth/protocol/errors.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { cacheBytes } from '../platform/caches/cache-size.ts';
import { LruMap } from '../platform/caches/lru.ts';
import type { Clock } from '../platform/clock.ts';
import { readFilter, storeFilter } from '../storage/accounts/filters.ts';
import type { Database } from '../storage/engine/database.ts';
import { type Filter, parseFilter, parseFilterText } from './filter.ts';

/** The maximum number of stored filters of a user. Clients use one or two; further ones replace the oldest. */
const STORED_MAX = 200;
const JSON_BYTES_MAX = 64 * 1024;
const PARSED_MAX = 5_000;
/** The maximum length of a filter in a query that is cached. Longer ones are parsed each time. */
const CACHED_TEXT_MAX = 4_096;

/** The filters that users have stored, and those in requests (client-server API, "Filtering"). */
export class Filters {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #storedMax: number;
  readonly #parsed = new LruMap<string, { readonly filter: Filter; readonly length: number }>(PARSED_MAX, {
    bytesMax: cacheBytes(16),
    // The key, and the filter as objects.
    bytesOf: ({ length }) => 500 + 8 * length,
  });

  constructor(database: Database, clock: Clock, storedMax = STORED_MAX) {
    this.#database = database;
    this.#clock = clock;
    this.#storedMax = storedMax;
  }

  /** Stores a filter. Equal filters get the same id. @throws MatrixError M_BAD_JSON, M_TOO_LARGE */
  async define(user: number, json: JsonObject): Promise<string> {
    parseFilter(json);
    const text = JSON.stringify(json);
    if (Buffer.byteLength(text) > JSON_BYTES_MAX) throw tooLarge('The filter is too large');
    const id = hash('sha256', text, 'hex').slice(0, 24);
    await this.#database.commit(storeFilter(user, id, text, this.#clock.now(), this.#storedMax));
    return id;
  }

  /** Returns the JSON text of a stored filter. @throws MatrixError M_NOT_FOUND */
  async text(user: number, id: string): Promise<string> {
    const text = await readFilter(this.#database, user, id);
    if (text === undefined) throw notFound('The filter does not exist');
    return text;
  }

  /**
   * Returns the filter for the query parameter `filter` of `/sync`: JSON if it begins with a brace, otherwise an id.
   * @throws MatrixError M_NOT_JSON, M_BAD_JSON, M_NOT_FOUND
   */
  async resolve(user: number, parameter: string): Promise<Filter> {
    const isInline = parameter.startsWith('{');
    const key = isInline ? parameter : `${user} ${parameter}`;
    const known = this.#parsed.get(key);
    if (known !== undefined) return known.filter;
    if (!isInline) return this.#load(user, parameter, key);
    const filter = parseFilterText(parameter);
    if (parameter.length <= CACHED_TEXT_MAX) this.#parsed.set(key, { filter, length: parameter.length });
    return filter;
  }

  async #load(user: number, id: string, key: string): Promise<Filter> {
    const text = await this.text(user, id);
    const filter = parseFilterText(text);
    this.#parsed.set(key, { filter, length: text.length });
    return filter;
  }
}
