import type { AccountData } from '../../account-data/account-data.ts';
import { GLOBAL, isDeleted } from '../../account-data/user-data.ts';
import { matches, type Test } from '../../filters/matching.ts';
import type { Lookups } from '../../platform/lookups/lookups.ts';
import { isVisible, receiptContent } from '../../receipts/content.ts';
import type { Receipts } from '../../receipts/receipts.ts';
import type { AccountDataRow } from '../../storage/accounts/account-data.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { ReceiptRow } from '../../storage/rooms/receipts.ts';
import type { TypingNotices } from '../../typing/typing.ts';
import type { SelectedRooms } from '../select/room-selection.ts';
import type { SyncFilter } from '../sync-filter.ts';
import { plainEvent } from './plain-event.ts';

interface Parts {
  readonly names: Names;
  readonly receipts: Receipts;
  readonly typing: TypingNotices;
  readonly accountData: AccountData;
}

/** The user, the position of the client's token, and the filter. */
interface NewsRequest {
  readonly user: number;
  readonly since: number | undefined;
  readonly filter: SyncFilter;
}

/** The changes in rooms besides their timelines, as JSON texts by room. */
export interface RoomNews {
  /** The events of types `m.receipt` and `m.typing`. */
  readonly ephemeral: ReadonlyMap<number, readonly string[]>;
  readonly accountData: ReadonlyMap<number, readonly string[]>;
}

const NO_TEXTS: ReadonlyMap<number, readonly string[]> = new Map();
const NO_ROOMS: ReadonlySet<number> = new Set();

/** Renders receipts, typing users and account data of rooms. */
export class RoomNewsReader {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Returns the changes in the touched rooms, and everything about rooms that are new to the client. */
  news(lookups: Lookups, request: NewsRequest, { joined, touched }: SelectedRooms): RoomNews {
    const isAnyNew = joined.some(({ isNew }) => isNew);
    const fresh = isAnyNew ? new Set(joined.filter(({ isNew }) => isNew).map(({ row }) => row.room)) : NO_ROOMS;
    return {
      ephemeral: isAnyNew || touched.size > 0 ? this.#ephemeral(lookups, request, fresh, touched) : NO_TEXTS,
      accountData: this.#accountData(lookups, request, fresh),
    };
  }

  /** Returns the rooms whose ids pass the tests. */
  #passing(lookups: Lookups, rooms: ReadonlySet<number>, tests: readonly Test[]): ReadonlySet<number> {
    if (rooms.size === 0 || tests.every((test) => test === undefined)) return rooms;
    const ids = lookups.all(this.#parts.names.textSource, rooms);
    return new Set([...rooms].filter((_, i) => tests.every((test) => test === undefined || test(ids[i] ?? ''))));
  }

  #ephemeral(
    lookups: Lookups,
    request: NewsRequest,
    begun: ReadonlySet<number>,
    touched: ReadonlySet<number>,
  ): ReadonlyMap<number, readonly string[]> {
    const { room } = request.filter.ephemeral;
    const fresh = this.#passing(lookups, begun, [room]);
    const known = [...this.#passing(lookups, touched, [room])].filter((num) => !begun.has(num));
    const texts = new Map<number, string[]>();
    for (const [num, rows] of this.#receipts(lookups, request, fresh, known)) {
      const content = receiptContent(rows.filter((row) => isVisible(row, request.user)));
      if (content !== undefined) put(texts, num, plainEvent('m.receipt', content));
    }
    this.#addTyping(lookups, request, { fresh, rooms: [...fresh, ...known] }, texts);
    return texts;
  }

  #receipts(
    lookups: Lookups,
    { since, filter }: NewsRequest,
    fresh: ReadonlySet<number>,
    known: readonly number[],
  ): (readonly [room: number, rows: readonly ReceiptRow[]])[] {
    if (!matches(filter.ephemeral, 'm.receipt', '', () => false)) return [];
    const { receipts } = this.#parts;
    const [all, changed] = lookups.both(
      () => lookups.each(fresh, (room) => [room, [...lookups.get(receipts.source, room).all()]] as const),
      () =>
        since === undefined
          ? []
          : lookups.each(
              known,
              (room) => [room, lookups.get(receipts.changesSource, { room, position: since })] as const,
            ),
    );
    return [...all, ...changed];
  }

  #addTyping(
    lookups: Lookups,
    { since = 0, filter }: NewsRequest,
    { fresh, rooms }: { readonly fresh: ReadonlySet<number>; readonly rooms: readonly number[] },
    texts: Map<number, string[]>,
  ): void {
    if (!matches(filter.ephemeral, 'm.typing', '', () => false)) return;
    lookups.each(rooms, (room) => {
      const state = this.#parts.typing.typingIn(room);
      if (state === undefined) return;
      const isNews = fresh.has(room) ? state.users.length > 0 : state.position > since;
      if (!isNews) return;
      const user_ids = lookups.all(this.#parts.names.textSource, state.users);
      put(texts, room, plainEvent('m.typing', JSON.stringify({ user_ids })));
    });
  }

  #accountData(
    lookups: Lookups,
    { user, since, filter }: NewsRequest,
    fresh: ReadonlySet<number>,
  ): ReadonlyMap<number, readonly string[]> {
    const data = lookups.get(this.#parts.accountData.source, user);
    const isUnchanged = since !== undefined && data.last <= since;
    if (isUnchanged && fresh.size === 0) return NO_TEXTS;
    const rows = [...fresh].flatMap((room) => [...data.inRoom(room)]);
    // The client may have data of a new room from an earlier membership, so it gets deletions there too.
    const isChange = (row: AccountDataRow) => row.room !== GLOBAL && (!fresh.has(row.room) || isDeleted(row));
    const changed = since === undefined ? [] : data.since(since).filter(isChange);
    const all = [...rows, ...changed];
    const rooms = new Set(all.map(({ room }) => room));
    const passing = this.#passing(lookups, rooms, [filter.room, filter.roomAccountData.room]);
    const texts = new Map<number, string[]>();
    for (const { room, type, content } of all) {
      if (passing.has(room) && matches(filter.roomAccountData, type, '', () => false))
        put(texts, room, plainEvent(type, content));
    }
    return texts;
  }
}

function put<T>(map: Map<number, T[]>, room: number, item: T): void {
  const items = map.get(room);
  if (items === undefined) map.set(room, [item]);
  else items.push(item);
}
