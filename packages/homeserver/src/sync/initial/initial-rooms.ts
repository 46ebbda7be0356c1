import { concat, type Text } from '../../platform/long-text.ts';
import { complete, type Lookups } from '../../platform/lookups/lookups.ts';
import type { Reader } from '../../rooms/access.ts';
import type { Head } from '../../rooms/head.ts';
import type { Heads } from '../../rooms/heads.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { MembershipRow } from '../../storage/rooms/membership-store.ts';
import { LEGACY_FORMAT } from '../../timeline/render/client-form.ts';
import type { EventRenderer } from '../../timeline/render/event-renderer.ts';
import type { JoinedRequest, JoinedRooms } from './joined-rooms.ts';
import type { PastRooms } from './past-rooms.ts';
import type { UserLists } from './user-lists.ts';

interface Parts {
  readonly heads: Heads;
  readonly events: EventStore;
  readonly renderer: EventRenderer;
  readonly joined: JoinedRooms;
  readonly past: PastRooms;
  readonly lists: UserLists;
}

/** Renders the rooms of `/initialSync`. */
export class InitialRooms {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Renders the given rooms together, in their order. */
  async texts(request: JoinedRequest, rows: readonly MembershipRow[]): Promise<Text[]> {
    const { reader, limit } = request;
    const rooms = await complete((lookups) => this.#rooms(lookups, request, rows));
    const texts: Text[] = [];
    for (const { row, about, body } of rooms) {
      const text = body ?? (await this.#parts.past.left(reader, row.room, limit));
      texts.push(concat(`{${about}`, text, '}'));
    }
    return texts;
  }

  /** Returns the parts of each room that need no wait; the body of a room that the reader has left is missing. */
  #rooms(lookups: Lookups, request: JoinedRequest, rows: readonly MembershipRow[]) {
    const { joined, lists, heads } = this.#parts;
    const { reader } = request;
    const found = lookups.each(rows, (row) => ({ row, head: lookups.get(heads.source, row.room) }));
    const rooms = found.flatMap(({ row, head }) => (head === undefined ? [] : { row, head }));
    const members = rooms.filter(({ row }) => row.membership === 'join');
    const [bodies, invites] = lookups.both(
      () => joined.texts(lookups, request, members),
      () => lookups.each(rooms, ({ row }) => this.#inviteText(lookups, reader, row)),
    );
    const bodyOf = new Map<MembershipRow, Text | undefined>(members.map(({ row }, i) => [row, bodies[i]]));
    return lookups.each(rooms.entries(), ([i, { row, head }]) => ({
      row,
      about: aboutText(row, head, lists.accountData(lookups, reader.user, row.room)),
      body: bodyOf.get(row) ?? invites[i],
    }));
  }

  /** Renders the invitation to a room, with a leading comma; `undefined` if the row is not an invitation. */
  #inviteText(lookups: Lookups, reader: Reader, { membership, event: num }: MembershipRow): string | undefined {
    if (membership !== 'invite') return undefined;
    const event = lookups.get(this.#parts.events.source, num);
    if (event === undefined) return '';
    const [text] = this.#parts.renderer.texts(lookups, reader, [{ event, membership: 'invite' }], LEGACY_FORMAT);
    return `,"inviter":${JSON.stringify(event.sender)},"invite":${text}`;
  }
}

function aboutText({ membership }: MembershipRow, { roomId, row }: Head, accountData: string): string {
  const visibility = row.published ? 'public' : 'private';
  const about = `"membership":"${membership}","visibility":"${visibility}","account_data":[${accountData}]`;
  return `"room_id":${JSON.stringify(roomId)},${about}`;
}
