import { GLOBAL } from '../../account-data/user-data.ts';
import { isVisible, receiptContent } from '../../receipts/content.ts';
import type { ReceiptRow } from '../../storage/rooms/receipts.ts';
import type { EphemeralDeps } from '../ephemeral.ts';
import { plainEvent } from '../plain-event.ts';
import type { ExtensionRequest } from './extension-request.ts';

type RoomExtension = { lists?: string[] | null | undefined; rooms?: string[] | null | undefined };

/** The members of `extensions` about account data, receipts and typing, as JSON texts; empty without news. */
export async function roomExtensions(deps: EphemeralDeps, request: ExtensionRequest): Promise<string[]> {
  const { extensions } = request.body;
  const parts: string[] = [];
  const ids = await deps.names.texts(request.wanted.rooms.keys());
  const add = (name: string, texts: ReadonlyMap<number, string>, more = '') => {
    if (texts.size === 0 && more === '') return;
    const rooms = [...texts].map(([room, text]) => `${JSON.stringify(ids.get(room) ?? '')}:${text}`);
    parts.push(`"${name}":{${more}"rooms":{${rooms.join(',')}}}`);
  };
  if (extensions?.account_data?.enabled === true) {
    const spans = spansOf(request, ids, 'account_data', extensions.account_data);
    const global = globalAccountData(request);
    add('account_data', roomAccountData(request, spans), global === '' ? '' : `"global":[${global}],`);
  }
  if (extensions?.receipts?.enabled === true) {
    add('receipts', await receipts(deps, request, spansOf(request, ids, 'receipts', extensions.receipts)));
  }
  if (extensions?.typing?.enabled === true) {
    add('typing', await typing(deps, spansOf(request, ids, 'typing', extensions.typing)));
  }
  return parts;
}

/** The rooms that an extension tells of, and from which position on; `undefined`: all that there is. */
function spansOf(
  request: ExtensionRequest,
  ids: ReadonlyMap<number, string>,
  name: string,
  { lists, rooms }: RoomExtension,
): ReadonlyMap<number, number | undefined> {
  const { state, wanted, range } = request;
  const chosen = new Set<number>();
  for (const list of wanted.lists) {
    if (lists === undefined || lists === null || lists.includes('*') || lists.includes(list.name))
      for (const room of list.rooms) chosen.add(room);
  }
  const all = rooms === undefined || rooms === null || rooms.includes('*');
  for (const room of wanted.subscribed) {
    if (all || rooms.includes(ids.get(room) ?? '')) chosen.add(room);
  }
  const wasOn = state?.extensions.includes(name) === true;
  const spans = new Map<number, number | undefined>();
  for (const room of chosen) {
    const row = wanted.rooms.get(room)?.row;
    if (row?.membership !== 'join') continue;
    const sent = state?.rooms.get(room);
    const isKnown = wasOn && sent !== undefined && request.answers.get(room)?.isInitial !== true;
    spans.set(room, isKnown ? (sent.upTo ?? range.since) : undefined);
  }
  return spans;
}

function globalAccountData({ data, state, range }: ExtensionRequest): string {
  const wasOn = state?.extensions.includes('account_data') === true;
  const rows =
    !wasOn || range.since === undefined
      ? [...data.global()]
      : data.since(range.since).filter(({ room }) => room === GLOBAL);
  return rows.map(accountDataText).join(',');
}

function roomAccountData(
  { data }: ExtensionRequest,
  spans: ReadonlyMap<number, number | undefined>,
): ReadonlyMap<number, string> {
  const texts = new Map<number, string>();
  for (const [room, from] of spans) {
    if (from !== undefined && from >= data.last) continue;
    const rows = [...data.inRoom(room)].filter(({ position }) => from === undefined || position > from);
    if (rows.length > 0) texts.set(room, `[${rows.map(accountDataText).join(',')}]`);
  }
  return texts;
}

function accountDataText({ type, content }: { readonly type: string; readonly content: string }): string {
  return plainEvent(type, content);
}

/** For a new room only the user's own receipts and those on the events that are shown: there may be thousands. */
async function receipts(
  deps: EphemeralDeps,
  { user, answers, range }: ExtensionRequest,
  spans: ReadonlyMap<number, number | undefined>,
): Promise<ReadonlyMap<number, string>> {
  const byRoom = new Map<number, ReceiptRow[]>();
  const fresh = [...spans].flatMap(([room, from]) => (from === undefined ? room : []));
  if (fresh.length > 0) {
    for (const [room, all] of await deps.receipts.receiptsOfRooms(fresh)) {
      const answer = answers.get(room);
      const shown = new Set(answer?.timeline);
      // The extension may have been switched on when the room was long there: then its events are not known here.
      const isWanted = (row: ReceiptRow) =>
        answer?.isInitial !== true || row.user_num === user || shown.has(row.event_id);
      byRoom.set(room, [...all.all()].filter(isWanted));
    }
  }
  // A room that nobody has touched since has no new receipts, unless the client is behind with it.
  const known = [...spans].flatMap(([room, from]) =>
    from !== undefined && (from < (range.since ?? 0) || range.changed.touched.has(room)) ? [{ room, from }] : [],
  );
  if (known.length > 0) {
    const earliest = Math.min(...known.map(({ from }) => from));
    const rooms = new Map(known.map(({ room, from }) => [room, from]));
    for (const row of await deps.receipts.receiptsSince([...rooms.keys()], earliest)) {
      if (row.position > (rooms.get(row.room) ?? 0)) byRoom.set(row.room, [...(byRoom.get(row.room) ?? []), row]);
    }
  }
  const texts = new Map<number, string>();
  for (const [room, rows] of byRoom) {
    const content = receiptContent(rows.filter((row) => isVisible(row, user)));
    if (content !== undefined) texts.set(room, plainEvent('m.receipt', content));
  }
  return texts;
}

async function typing(
  deps: EphemeralDeps,
  spans: ReadonlyMap<number, number | undefined>,
): Promise<ReadonlyMap<number, string>> {
  const news = [...spans].flatMap(([room, from]) => {
    const state = deps.typing.typingIn(room);
    const isNews = state !== undefined && (from === undefined ? state.users.length > 0 : state.position > from);
    return isNews ? [{ room, users: state.users }] : [];
  });
  const ids = await deps.names.texts(news.flatMap(({ users }) => users));
  return new Map(
    news.map(({ room, users }) => {
      const user_ids = users.flatMap((user) => ids.get(user) ?? []);
      return [room, plainEvent('m.typing', JSON.stringify({ user_ids }))];
    }),
  );
}
