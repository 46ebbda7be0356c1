import type { IgnoredUsers } from '../../account-data/ignored-users.ts';
import { concat, type Text } from '../../platform/long-text.ts';
import { complete } from '../../platform/lookups/lookups.ts';
import { type RoomReaders, readerOf, seesPresent } from '../../rooms/access.ts';
import { streamToken, timelineToken } from '../../timeline/position.ts';
import type { StreamReader } from '../select/stream-reader.ts';
import { messagesLimit } from './initial-sync.ts';
import type { PastRooms } from './past-rooms.ts';
import type { UserLists } from './user-lists.ts';

interface Parts {
  readonly stream: StreamReader;
  readonly readers: RoomReaders;
  readonly ignoredUsers: IgnoredUsers;
  readonly past: PastRooms;
  readonly lists: UserLists;
}

export interface RoomInitialSyncRequest {
  readonly user: number;
  readonly device: number;
  readonly roomId: string;
  /** Servers that may be in the room, as the client names them. */
  readonly servers: readonly string[];
  readonly limit: number | undefined;
}

/** `GET /rooms/{roomId}/initialSync`: one room for a member, a past member or a user who peeks. */
export class RoomInitialSync {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Returns the answer to a request as JSON text. @throws MatrixError M_FORBIDDEN, M_LIMIT_EXCEEDED */
  async respond(request: RoomInitialSyncRequest): Promise<Text> {
    const { stream, readers, ignoredUsers, past, lists } = this.#parts;
    const { user, roomId } = request;
    await readers.open(roomId, user, request.servers);
    const access = await readers.access(roomId, user);
    const { head } = access;
    const { upTo, rows } = await stream.point(user);
    const reader = readerOf(request, await ignoredUsers.of(user));
    const isOpen = await seesPresent(access);
    const end = access.kind === 'past' && !isOpen ? timelineToken(access.until.seq ?? 0) : streamToken(upTo);
    // The stream continues from the same position.
    const page = { limit: messagesLimit(request.limit), from: streamToken(upTo), end };
    const body = await past.text(reader, access, page);
    const { data, receipts, presence } = await complete((lookups) => ({
      data: lists.accountData(lookups, user, head.num),
      receipts: isOpen ? lists.receipts(lookups, user, [head.num]) : '',
      presence: isOpen ? lists.presenceOf(lookups, head.joined) : '',
    }));
    const row = rows.get(head.num);
    const membership = access.kind === 'peeker' ? '' : `,"membership":"${row?.membership ?? 'leave'}"`;
    const visibility = `,"visibility":"${head.row.published ? 'public' : 'private'}"`;
    const about = `"room_id":${JSON.stringify(head.roomId)}${membership}${visibility},"account_data":[${data}]`;
    return concat(`{${about}`, body, `,"receipts":[${receipts}],"presence":[${presence}]}`);
  }
}
