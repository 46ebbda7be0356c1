import { concat, type Text } from '../../platform/long-text.ts';
import type { Reader, RoomAccess, RoomReaders } from '../../rooms/access.ts';
import type { Heads } from '../../rooms/heads.ts';
import type { History } from '../../timeline/history.ts';
import { timelineToken } from '../../timeline/position.ts';
import { LEGACY_FORMAT } from '../../timeline/render/client-form.ts';
import type { EventRenderer } from '../../timeline/render/event-renderer.ts';
import type { StateTexts } from '../../timeline/render/state-text.ts';
import { messagesText } from './joined-rooms.ts';

interface Parts {
  readonly heads: Heads;
  readonly readers: RoomReaders;
  readonly history: History;
  readonly renderer: EventRenderer;
  readonly stateTexts: StateTexts;
}

/** A page of messages: its length, and its position unless it is the latest page. */
interface PageRequest {
  readonly limit: number;
  readonly from?: string;
  /** The token at the end of the page. */
  readonly end: string;
}

/** Renders `messages` and `state` of rooms for users who have left or who peek. */
export class PastRooms {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Renders a room that the reader has left, with a leading comma; empty if the reader may not see it. */
  async left(reader: Reader, room: number, limit: number): Promise<Text> {
    const head = await this.#parts.heads.byNum(room);
    if (head === undefined) return '';
    const access = await this.#parts.readers.access(head.roomId, reader.user).catch(() => undefined);
    if (access === undefined) return '';
    const last = access.kind === 'past' ? (access.until.seq ?? 0) : access.head.row.seq;
    return this.text(reader, access, { limit, end: timelineToken(last) });
  }

  /** Renders a room that the reader may see, with a leading comma. */
  async text(reader: Reader, access: RoomAccess, { limit, from, end }: PageRequest): Promise<Text> {
    const { history, readers, renderer, stateTexts } = this.#parts;
    const query = { dir: 'b', limit, ...(from === undefined ? {} : { from }) } as const;
    const page = await history.page(reader, access, query);
    const chunk = await renderer.render(reader, page.shown.toReversed(), LEGACY_FORMAT);
    const text = messagesText(chunk, page.end ?? timelineToken(0), end);
    const state = await stateTexts.text(reader, await readers.stateNums(access), { format: LEGACY_FORMAT });
    return concat(`${text},"state":[`, state, ']');
  }
}
