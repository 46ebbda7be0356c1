import type { IgnoredUsers } from '../account-data/ignored-users.ts';
import { concat, type Text } from '../platform/long-text.ts';
import { complete, type Lookups } from '../platform/lookups/lookups.ts';
import { readerOf } from '../rooms/access.ts';
import type { LazyChain, LazyMembersCache } from './gather/lazy-members-cache.ts';
import type { GlobalSections } from './render/global-sections.ts';
import type { RoomNews, RoomNewsReader } from './render/room-news.ts';
import type { RoomSections } from './render/room-sections.ts';
import type { StateAfterName } from './render/section-request.ts';
import type { PeekedRooms } from './select/peeked-rooms.ts';
import type { RoomSelection, SelectedRooms } from './select/room-selection.ts';
import type { SelectedRoom } from './select/selected-room.ts';
import type { SyncRange } from './select/stream-reader.ts';
import type { SyncFilter } from './sync-filter.ts';

interface Parts {
  readonly ignoredUsers: IgnoredUsers;
  readonly lazyMembers: LazyMembersCache;
  readonly selection: RoomSelection;
  readonly peeked: PeekedRooms;
  readonly news: RoomNewsReader;
  readonly globals: GlobalSections;
  readonly sections: RoomSections;
}

/** The user and device of a request, and the parameters of its answer. */
export interface AnswerRequest {
  readonly user: number;
  readonly userId: string;
  readonly device: number;
  readonly fullState: boolean;
  readonly stateAfter: StateAfterName | undefined;
  readonly filter: SyncFilter;
}

/** Renders the changes for a user in a range of the stream. */
export class SyncAnswer {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Begins a request of a client that loads members lazily; `undefined` for a client that gets all members. */
  lazyChain({ device, filter }: AnswerRequest, since: number | undefined): LazyChain | undefined {
    return filter.lazyMembers ? this.#parts.lazyMembers.beginRequest(device, since) : undefined;
  }

  /** Returns the rooms that a device peeks into. */
  peekedRooms(device: number): ReadonlyMap<number, number> {
    return this.#parts.peeked.of(device);
  }

  /**
   * Renders account data, presence and rooms with a leading comma; empty if there are no changes. Rooms are rendered in
   * batches, each of which is one computation; see `platform/lookups`.
   */
  async text(request: AnswerRequest, range: SyncRange, lazy: LazyChain | undefined): Promise<Text> {
    const { lazyMembers, peeked, sections, ignoredUsers } = this.#parts;
    const { selected, news, globals, ignored, ended } = await complete((lookups) => {
      const [{ selected, ended }, ignored] = lookups.both(
        () => this.#select(lookups, request, range),
        () => lookups.get(ignoredUsers.source, request.user),
      );
      return { selected, ended, ignored, ...this.#besidesTimelines(lookups, request, range, selected) };
    });
    if (ended.length > 0) await peeked.end(request.device, ended);
    const rooms = await sections.text(
      { ...request, since: range.since, upTo: range.upTo, reader: readerOf(request, ignored), lazy },
      withTouched(selected, news),
      news,
    );
    if (lazy !== undefined) lazyMembers.endRequest(lazy, range.upTo);
    return typeof rooms === 'string' ? globals + rooms : concat(globals, rooms);
  }

  #select(lookups: Lookups, request: AnswerRequest, range: SyncRange) {
    const { selection, peeked } = this.#parts;
    const selected = selection.select(lookups, request, range);
    const { rooms, ended } = peeked.select(lookups, request, range, request.filter);
    return { selected: rooms.length === 0 ? selected : { ...selected, peeked: rooms }, ended };
  }

  #besidesTimelines(lookups: Lookups, request: AnswerRequest, { since }: SyncRange, selected: SelectedRooms) {
    const { user, filter } = request;
    const [news, globals] = lookups.both(
      () => this.#parts.news.news(lookups, { user, since, filter }, selected),
      () => this.#parts.globals.text(lookups, { user, since, filter }, selected.joined),
    );
    return { news, globals };
  }
}

/**
 * Returns the rooms together with those in which only receipts, typing or account data have changed. Their timelines
 * are empty.
 */
function withTouched(selected: SelectedRooms, { ephemeral, accountData }: RoomNews): SelectedRooms {
  if (ephemeral.size === 0 && accountData.size === 0) return selected;
  const there = new Set(selected.joined.map(({ row }) => row.room));
  const others: SelectedRoom[] = [];
  for (const room of new Set([...ephemeral.keys(), ...accountData.keys()])) {
    const row = selected.rows.get(room);
    if (row?.membership !== 'join' || there.has(room)) continue;
    others.push({ row, isNew: false, nums: [], limited: false, after: 0 });
  }
  return others.length === 0 ? selected : { ...selected, joined: [...selected.joined, ...others] };
}
