import type { AccountData } from '../account-data/account-data.ts';
import { GLOBAL } from '../account-data/user-data.ts';
import { matches } from '../filters/matching.ts';
import { isVisible, receiptContent } from '../receipts/content.ts';
import type { Receipts } from '../receipts/receipts.ts';
import type { Names } from '../storage/engine/names.ts';
import type { ReceiptRow } from '../storage/rooms/receipts.ts';
import type { TypingNotices } from '../typing/typing.ts';
import { plainEvent } from './plain-event.ts';
import type { SyncFilter } from './request.ts';
import type { Skeleton } from './skeleton.ts';

export interface EphemeralDeps {
  readonly names: Names;
  readonly receipts: Receipts;
  readonly typing: TypingNotices;
  readonly accountData: AccountData;
}

/** The news in rooms besides their timelines, as JSON texts. */
export interface EphemeralNews {
  /** The rooms with any news. */
  rooms(): Iterable<number>;
  /** `m.receipt` and `m.typing`. */
  events(room: number): readonly string[];
  accountData(room: number): readonly string[];
}

interface Wish {
  readonly user: number;
  readonly since: number | undefined;
  readonly filter: SyncFilter;
}

const NOTHING: readonly string[] = [];

/** Collects the news of the touched rooms, and all there is to say of rooms that are new to the client. */
export async function ephemeralNews(deps: EphemeralDeps, wish: Wish, skeleton: Skeleton): Promise<EphemeralNews> {
  const fresh = new Set(skeleton.joined.filter(({ isNew }) => isNew).map(({ row }) => row.room));
  const known = [...skeleton.touched].filter((room) => !fresh.has(room));
  const events = new Map<number, string[]>();
  await addReceipts(deps, wish, { fresh, known }, events);
  await addTyping(deps, wish, { fresh, known }, events);
  const accountData = await roomAccountData(deps, wish, fresh);
  return {
    rooms: () => new Set([...events.keys(), ...accountData.keys()]),
    events: (room) => events.get(room) ?? NOTHING,
    accountData: (room) => accountData.get(room) ?? NOTHING,
  };
}

interface Rooms {
  readonly fresh: ReadonlySet<number>;
  readonly known: readonly number[];
}

async function addReceipts(
  deps: EphemeralDeps,
  wish: Wish,
  rooms: Rooms,
  events: Map<number, string[]>,
): Promise<void> {
  if (!matches(wish.filter.ephemeral, 'm.receipt', '', () => false)) return;
  const byRoom = new Map<number, ReceiptRow[]>();
  if (rooms.fresh.size > 0) {
    for (const [room, receipts] of await deps.receipts.receiptsOfRooms(rooms.fresh))
      byRoom.set(room, [...receipts.all()]);
  }
  if (wish.since !== undefined && rooms.known.length > 0) {
    for (const row of await deps.receipts.receiptsSince(rooms.known, wish.since)) put(byRoom, row.room, row);
  }
  for (const [room, rows] of byRoom) {
    const content = receiptContent(rows.filter((row) => isVisible(row, wish.user)));
    if (content !== undefined) put(events, room, plainEvent('m.receipt', content));
  }
}

async function addTyping(deps: EphemeralDeps, wish: Wish, rooms: Rooms, events: Map<number, string[]>): Promise<void> {
  if (!matches(wish.filter.ephemeral, 'm.typing', '', () => false)) return;
  for (const room of [...rooms.fresh, ...rooms.known]) {
    const state = deps.typing.typingIn(room);
    if (state === undefined) continue;
    const isNews = rooms.fresh.has(room) ? state.users.length > 0 : state.position > (wish.since ?? 0);
    if (!isNews) continue;
    const ids = await deps.names.texts(state.users);
    put(events, room, plainEvent('m.typing', JSON.stringify({ user_ids: [...ids.values()] })));
  }
}

async function roomAccountData(
  deps: EphemeralDeps,
  wish: Wish,
  fresh: ReadonlySet<number>,
): Promise<Map<number, string[]>> {
  const data = await deps.accountData.of(wish.user);
  const rows = [...fresh].flatMap((room) => [...data.inRoom(room)]);
  const changed =
    wish.since === undefined ? [] : data.since(wish.since).filter(({ room }) => room !== GLOBAL && !fresh.has(room));
  const byRoom = new Map<number, string[]>();
  for (const { room, type, content } of [...rows, ...changed]) {
    if (!matches(wish.filter.roomAccountData, type, '', () => false)) continue;
    put(byRoom, room, plainEvent(type, content));
  }
  return byRoom;
}

function put<T>(map: Map<number, T[]>, room: number, item: T): void {
  const items = map.get(room);
  if (items === undefined) map.set(room, [item]);
  else items.push(item);
}
