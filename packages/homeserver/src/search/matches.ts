import { type Matcher, matches as passes } from '../filters/matching.ts';
import { nextTurn } from '../platform/concurrency/in-slices.ts';
import type { Reader } from '../rooms/access.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import { foldText, type WantedGram } from '../storage/search/grams.ts';
import type { MessageIndex } from '../storage/search/message-index.ts';
import type { Erasure } from '../timeline/render/erasure.ts';
import type { Shown } from '../timeline/render/event-renderer.ts';
import type { Visibility } from '../timeline/visibility.ts';
import { rankOf } from './rank.ts';
import { type SearchKey, searchableText } from './searchable.ts';
import type { Group } from './token.ts';

/** The criteria of a search. */
export interface Wanted {
  readonly words: readonly string[];
  readonly grams: readonly WantedGram[];
  readonly keys: readonly SearchKey[];
  readonly matcher: Matcher;
  readonly rooms: readonly number[];
  /** Only events before this one. */
  readonly before: number;
  readonly group: Group | undefined;
}

export interface Match {
  readonly shown: Shown;
  readonly rank: number;
}

const BATCH = 500;
/** The maximum number of matches of which the best or latest are returned. */
const MATCHES_MAX = 500;
/** The maximum number of index entries that a request examines. */
const SCANNED_MAX = 20_000;

/** The events that match a search. */
export class SearchMatches {
  readonly #index: MessageIndex;
  readonly #events: EventStore;
  readonly #visibility: Visibility;
  readonly #erasure: Erasure;

  constructor(index: MessageIndex, events: EventStore, visibility: Visibility, erasure: Erasure) {
    this.#index = index;
    this.#events = events;
    this.#visibility = visibility;
    this.#erasure = erasure;
  }

  /**
   * Returns the latest matching events that the reader may see. The index only finds candidates. The current event
   * decides, so that redacted or changed text is not found even if the index is not up to date.
   */
  async latest(reader: Reader, wanted: Wanted): Promise<{ matches: Match[]; next: number | undefined }> {
    const found: Match[] = [];
    let { before } = wanted;
    for (let scanned = 0; scanned < SCANNED_MAX && found.length < MATCHES_MAX; scanned += BATCH) {
      if (scanned > 0) await nextTurn();
      const candidates = await this.#index.find(wanted.grams, wanted.rooms, { before, limit: BATCH });
      found.push(...(await this.#among(candidates, reader, wanted)));
      before = candidates.at(-1) ?? before;
      if (candidates.length < BATCH) return { matches: found, next: undefined };
    }
    return { matches: found, next: before };
  }

  /** Returns the matches among candidates, the latest first. */
  async #among(candidates: readonly number[], reader: Reader, wanted: Wanted): Promise<Match[]> {
    const events = await this.#events.list(candidates);
    const ranks = new Map<number, number>();
    for (const event of events) {
      const rank = isWanted(event, reader, wanted) ? rankIn(event, wanted) : undefined;
      if (rank !== undefined) ranks.set(event.num, rank);
    }
    const byRoom = Map.groupBy(
      events.filter(({ num }) => ranks.has(num)),
      ({ room }) => room,
    );
    const visible: Shown[] = [];
    for (const [room, some] of byRoom) visible.push(...(await this.#visibility.visibleTo(reader.user, room, some)));
    // Readers who see the event redacted do not see the text that matched.
    const redacted = await this.#erasure.copiesFor(
      reader.user,
      visible.map(({ event }) => event),
    );
    return visible
      .filter(({ event }) => !redacted.has(event.num))
      .map((shown) => ({ shown, rank: ranks.get(shown.event.num) ?? 0 }))
      .sort((a, b) => b.shown.event.num - a.shown.event.num);
  }
}

function isWanted(event: StoredEvent, reader: Reader, { matcher, group }: Wanted): boolean {
  if (reader.ignored.has(event.senderNum) && !event.isState) return false;
  if (group?.key === 'sender' && event.senderNum !== group.num) return false;
  return passes(matcher, event.type, event.sender, () => Object.hasOwn(event.content, 'url'));
}

function rankIn(event: StoredEvent, { keys, words }: Wanted): number | undefined {
  const text = searchableText(event, keys);
  return text === undefined ? undefined : rankOf(foldText(text), words);
}
