import { invalidParam } from '@hearth/protocol/errors.ts';
import type { RoomEventFilter } from '../filters/filter.ts';
import { matcherOf } from '../filters/matching.ts';
import type { Reader } from '../rooms/access.ts';
import type { UserRooms } from '../rooms/membership/user-rooms.ts';
import type { Names } from '../storage/engine/names.ts';
import { foldText, type WantedGram, wantedGrams, wordsOf } from '../storage/search/grams.ts';
import type { Follower } from '../timeline/follower.ts';
import type { Shown } from '../timeline/render/event-renderer.ts';
import type { ResultContexts } from './context.ts';
import type { Match, SearchMatches, Wanted } from './matches.ts';
import { SEARCH_KEYS, type SearchKey } from './searchable.ts';
import { type Group, parseSearchToken, type SearchToken, searchToken } from './token.ts';

/** The category `room_events` of a search. */
export interface SearchRequest {
  readonly term: string;
  readonly keys?: readonly SearchKey[] | undefined;
  readonly filter?: RoomEventFilter | undefined;
  readonly orderBy?: 'rank' | 'recent' | undefined;
  readonly groupBy?: readonly Group['key'][] | undefined;
  readonly nextBatch?: string | undefined;
}

/** The results of one group on a page. */
export interface FoundGroup {
  readonly results: readonly string[];
  readonly order: number;
  readonly nextBatch?: string | undefined;
}

export interface SearchResults {
  /** The approximate number of results. */
  readonly count: number;
  readonly results: readonly { readonly shown: Shown; readonly rank: number }[];
  /** The groups by key, then by room or user id. */
  readonly groups: ReadonlyMap<Group['key'], ReadonlyMap<string, FoundGroup>>;
  readonly nextBatch?: string | undefined;
  /** The words to highlight. */
  readonly words: readonly string[];
}

const TERM_CHARACTERS_MAX = 1_000;
const LIMIT_DEFAULT = 10;
const LIMIT_MAX = 100;
/** The maximum time to wait until the index is up to date, for instance after a restart. */
const INDEX_WAIT_MS = 10_000;

const FIRST: SearchToken = { given: 0, before: Number.MAX_SAFE_INTEGER };

/** The search in the messages of rooms (client-server API, "Server Side Search"). */
export class MessageSearch {
  readonly contexts: ResultContexts;
  readonly #names: Names;
  readonly #userRooms: UserRooms;
  readonly #matches: SearchMatches;
  readonly #indexer: Follower;

  /** @param indexer updates the index that the matches are found with */
  constructor(names: Names, userRooms: UserRooms, matches: SearchMatches, contexts: ResultContexts, indexer: Follower) {
    this.#names = names;
    this.contexts = contexts;
    this.#userRooms = userRooms;
    this.#matches = matches;
    this.#indexer = indexer;
  }

  /**
   * Finds messages, room names and topics that contain all words of the term, in rooms of which the reader is or was a
   * member, as far as the reader may see them.
   * @throws MatrixError M_INVALID_PARAM
   */
  async search(reader: Reader, request: SearchRequest): Promise<SearchResults> {
    if (request.term.length > TERM_CHARACTERS_MAX) throw invalidParam('search_term is too long');
    const words = wordsOf(foldText(request.term));
    const from = request.nextBatch === undefined ? FIRST : parseSearchToken(request.nextBatch);
    const grams = wantedGrams(words);
    const limit = Math.min(request.filter?.limit ?? LIMIT_DEFAULT, LIMIT_MAX);
    if (grams.length === 0 || limit === 0) return { count: 0, results: [], groups: new Map(), words };
    await this.#indexer.catchUp(INDEX_WAIT_MS);
    const wanted = await this.#wanted(reader, request, { words, grams, from });
    const { matches, next } = await this.#matches.latest(reader, wanted);
    return request.orderBy === 'recent'
      ? recentPage(request, from, { matches, next, limit, words })
      : rankedPage(request, from, { matches, next: undefined, limit, words });
  }

  async #wanted(
    reader: Reader,
    { filter, keys = SEARCH_KEYS, orderBy }: SearchRequest,
    { words, grams, from }: { words: readonly string[]; grams: readonly WantedGram[]; from: SearchToken },
  ): Promise<Wanted> {
    const matcher = matcherOf(filter);
    const rows = [...(await this.#userRooms.of(reader.user)).values()];
    const seen = rows.filter(({ membership, forgotten }) => !forgotten && SEARCHED.has(membership));
    const ids = await this.#names.texts(seen.map(({ room }) => room));
    const { group } = from;
    const isWanted = (room: number) =>
      (matcher.room?.(ids.get(room) ?? '') ?? true) && (group?.key !== 'room_id' || group.num === room);
    const rooms = seen.map(({ room }) => room).filter(isWanted);
    // Older events may rank higher, so a search by rank starts again for each page.
    const before = orderBy === 'recent' ? from.before : Number.MAX_SAFE_INTEGER;
    return { words, grams, keys, matcher, rooms, before, group };
  }
}

/** The memberships with which a room is searched. Rooms with only an invite are not. */
const SEARCHED: ReadonlySet<string> = new Set(['join', 'leave', 'ban']);

interface Gathered {
  /** The matches, the latest first. */
  readonly matches: readonly Match[];
  /** The position to continue at, if not everything was examined. */
  readonly next: number | undefined;
  readonly limit: number;
  readonly words: readonly string[];
}

function recentPage({ groupBy = [] }: SearchRequest, from: SearchToken, gathered: Gathered): SearchResults {
  const { matches, next, limit, words } = gathered;
  const results = matches.slice(0, limit);
  const given = from.given + results.length;
  // A full page has a token for the next one, which may be empty.
  const before = matches.length >= limit ? results.at(-1)?.shown.event.num : next;
  const nextBatch = before === undefined ? undefined : searchToken({ given, before, group: from.group });
  const more = (group: Group) =>
    next !== undefined || matches.slice(limit).some(({ shown }) => numOf(shown, group.key) === group.num);
  const groups = groupsOf(results, groupBy, (group) =>
    before !== undefined && more(group) ? searchToken({ given: 0, before, group }) : undefined,
  );
  return { count: from.given + matches.length, results, groups, nextBatch, words };
}

function rankedPage({ groupBy = [] }: SearchRequest, from: SearchToken, gathered: Gathered): SearchResults {
  const { matches, limit, words } = gathered;
  const sorted = matches.toSorted((a, b) => b.rank - a.rank || b.shown.event.num - a.shown.event.num);
  const results = sorted.slice(from.given, from.given + limit);
  const given = from.given + results.length;
  const nextBatch = given < sorted.length || results.length === limit ? searchToken({ ...from, given }) : undefined;
  const rest = sorted.slice(given);
  const groups = groupsOf(results, groupBy, (group) =>
    from.group === undefined && rest.some(({ shown }) => numOf(shown, group.key) === group.num)
      ? searchToken({
          given: results.filter(({ shown }) => numOf(shown, group.key) === group.num).length,
          before: 0,
          group,
        })
      : undefined,
  );
  return { count: sorted.length, results, groups, nextBatch, words };
}

function groupsOf(
  results: readonly Match[],
  keys: readonly Group['key'][],
  nextOf: (group: Group) => string | undefined,
): SearchResults['groups'] {
  const groups = new Map<Group['key'], Map<string, FoundGroup>>();
  for (const key of keys) {
    const byNum = Map.groupBy(results, ({ shown }) => numOf(shown, key));
    const named = [...byNum].flatMap(([num, matches], order): [string, FoundGroup][] => {
      const [first] = matches;
      if (first === undefined) return [];
      const { roomId, sender } = first.shown.event;
      const ids = matches.map(({ shown }) => shown.event.eventId);
      return [[key === 'room_id' ? roomId : sender, { results: ids, order, nextBatch: nextOf({ key, num }) }]];
    });
    groups.set(key, new Map(named));
  }
  return groups;
}

function numOf({ event }: Shown, key: Group['key']): number {
  return key === 'room_id' ? event.room : event.senderNum;
}
