import { GLOBAL } from '../../../account-data/user-data.ts';
import type { Lookups } from '../../../platform/lookups/lookups.ts';
import { isVisible, receiptContent } from '../../../receipts/content.ts';
import type { Receipts } from '../../../receipts/receipts.ts';
import type { Names } from '../../../storage/engine/names.ts';
import type { ReceiptRow } from '../../../storage/rooms/receipts.ts';
import type { TypingNotices } from '../../../typing/typing.ts';
import { plainEvent } from '../../render/plain-event.ts';
import type { ExtensionRequest } from './extension-request.ts';

type RoomExtension = { lists?: string[] | null | undefined; rooms?: string[] | null | undefined };

/** The rooms of an extension, each with the position after which changes are sent; `undefined`: everything. */
type Spans = ReadonlyMap<number, number | undefined>;

interface Parts {
  readonly names: Names;
  readonly receipts: Receipts;
  readonly typing: TypingNotices;
}

/** Renders the extensions about account data, receipts and typing (MSC3959, MSC3960, MSC3961). */
export class RoomExtensions {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Renders their members of `extensions` as JSON texts; empty without changes. */
  texts(lookups: Lookups, request: ExtensionRequest): string[] {
    const { extensions } = request.body;
    const parts: string[] = [];
    const rooms = [...request.wanted.rooms.keys()];
    const texts = lookups.all(this.#parts.names.textSource, rooms);
    const ids = new Map(rooms.map((room, i) => [room, texts[i] ?? '']));
    const add = (name: string, found: ReadonlyMap<number, string>, more = '') => {
      if (found.size === 0 && more === '') return;
      const members = [...found].map(([room, text]) => `${JSON.stringify(ids.get(room) ?? '')}:${text}`);
      parts.push(`"${name}":{${more}"rooms":{${members.join(',')}}}`);
    };
    if (extensions?.account_data?.enabled === true) {
      const spans = spansOf(request, ids, 'account_data', extensions.account_data);
      const global = globalAccountData(request);
      add('account_data', roomAccountData(request, spans), global === '' ? '' : `"global":[${global}],`);
    }
    if (extensions?.receipts?.enabled === true) {
      add('receipts', this.#receipts(lookups, request, spansOf(request, ids, 'receipts', extensions.receipts)));
    }
    if (extensions?.typing?.enabled === true) {
      add('typing', this.#typing(lookups, spansOf(request, ids, 'typing', extensions.typing)));
    }
    return parts;
  }

  /**
   * Renders receipts. For a new room, renders only the user's own receipts and those on events of the timeline, because
   * there may be thousands.
   */
  #receipts(lookups: Lookups, { user, answers, range }: ExtensionRequest, spans: Spans): ReadonlyMap<number, string> {
    const { receipts } = this.#parts;
    const found = lookups.each(spans, ([room, from]): readonly [number, readonly ReceiptRow[]] => {
      if (from !== undefined) {
        // A room without changes in the range has no new receipts, unless the client is behind in this room.
        const mayHaveNews = from < (range.since ?? 0) || range.changed.touched.has(room);
        return [room, mayHaveNews ? lookups.get(receipts.changesSource, { room, position: from }) : []];
      }
      const answer = answers.get(room);
      const shown = new Set(answer?.timeline);
      // If the extension was enabled after the room was sent, the events that the client has are not known here.
      const isWanted = (row: ReceiptRow) =>
        answer?.isInitial !== true || row.user_num === user || shown.has(row.event_id);
      return [room, [...lookups.get(receipts.source, room).all()].filter(isWanted)];
    });
    const texts = new Map<number, string>();
    for (const [room, rows] of found) {
      const content = receiptContent(rows.filter((row) => isVisible(row, user)));
      if (content !== undefined) texts.set(room, plainEvent('m.receipt', content));
    }
    return texts;
  }

  #typing(lookups: Lookups, spans: Spans): ReadonlyMap<number, string> {
    const { typing, names } = this.#parts;
    const texts = new Map<number, string>();
    lookups.each(spans, ([room, from]) => {
      const state = typing.typingIn(room);
      if (state === undefined) return;
      const isNews = from === undefined ? state.users.length > 0 : state.position > from;
      if (!isNews) return;
      const user_ids = lookups.all(names.textSource, state.users);
      texts.set(room, plainEvent('m.typing', JSON.stringify({ user_ids })));
    });
    return texts;
  }
}

/** Returns the rooms of an extension, each with the position after which changes are sent. */
function spansOf(
  request: ExtensionRequest,
  ids: ReadonlyMap<number, string>,
  name: string,
  { lists, rooms }: RoomExtension,
): Spans {
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

function roomAccountData({ data, state }: ExtensionRequest, spans: Spans): ReadonlyMap<number, string> {
  const texts = new Map<number, string>();
  // The client may have data of a room that it got before, so it gets deletions when it gets the room again.
  const whole = (room: number) => (state?.rooms.has(room) === true ? data.inRoomSince(room, 0) : data.inRoom(room));
  for (const [room, from] of spans) {
    if (from !== undefined && from >= data.last) continue;
    const rows = [...(from === undefined ? whole(room) : data.inRoomSince(room, from))];
    if (rows.length > 0) texts.set(room, `[${rows.map(accountDataText).join(',')}]`);
  }
  return texts;
}

function accountDataText({ type, content }: { readonly type: string; readonly content: string }): string {
  return plainEvent(type, content);
}
