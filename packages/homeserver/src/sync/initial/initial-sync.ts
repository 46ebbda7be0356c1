import type { IgnoredUsers } from '../../account-data/ignored-users.ts';
import { GLOBAL } from '../../account-data/user-data.ts';
import { concat, type Text } from '../../platform/long-text.ts';
import { complete } from '../../platform/lookups/lookups.ts';
import type { Presences } from '../../presence/presence.ts';
import { readerOf } from '../../rooms/access.ts';
import type { MembershipRow } from '../../storage/rooms/membership-store.ts';
import { streamToken } from '../../timeline/position.ts';
import { renderRooms, roomSlices } from '../render/room-batches.ts';
import type { Invites } from '../select/invites.ts';
import type { StreamReader } from '../select/stream-reader.ts';
import type { InitialRooms } from './initial-rooms.ts';
import type { UserLists } from './user-lists.ts';

interface Parts {
  readonly stream: StreamReader;
  readonly presences: Presences;
  readonly ignoredUsers: IgnoredUsers;
  readonly invites: Invites;
  readonly rooms: InitialRooms;
  readonly lists: UserLists;
}

export interface InitialSyncRequest {
  readonly user: number;
  readonly device: number;
  /** The number of messages for each room. */
  readonly limit: number | undefined;
  /** Whether the answer contains rooms that the user has left. */
  readonly archived: boolean;
}

const LIMIT_DEFAULT = 10;
const LIMIT_MAX = 1000;

/** Returns the number of messages for each room that a request gets. */
export function messagesLimit(limit: number | undefined): number {
  return Math.min(limit ?? LIMIT_DEFAULT, LIMIT_MAX);
}

/** `GET /initialSync` (client-server API, "Get the user's current state"). */
export class InitialSync {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Returns the answer to a request as JSON text. */
  async respond(request: InitialSyncRequest): Promise<Text> {
    const { stream, presences, ignoredUsers, invites, rooms, lists } = this.#parts;
    const { user } = request;
    await presences.synced(request, 'online', 0);
    const point = await stream.point(user);
    const { ignored, rows } = await complete((lookups) => {
      const all = [...point.rows.values()].filter((row) => isShown(row, request.archived));
      const hidden = new Set(invites.among(lookups, user, all).hidden);
      const ignored = lookups.get(ignoredUsers.source, user);
      return { ignored, rows: all.filter((row) => !hidden.has(row)) };
    });
    const limit = messagesLimit(request.limit);
    const shared = { reader: readerOf(request, ignored), upTo: point.upTo, limit };
    const texts = await renderRooms(
      roomSlices(rows, () => limit),
      (some) => rooms.texts(shared, some),
    );
    const joined = rows.filter(({ membership }) => membership === 'join').map(({ room }) => room);
    const rest = await complete((lookups) => {
      const presence = lists.presenceFor(lookups, user);
      const data = lists.accountData(lookups, user, GLOBAL);
      return `"presence":[${presence}],"account_data":[${data}],"receipts":[${lists.receipts(lookups, user, joined)}]`;
    });
    return concat(`{"end":"${streamToken(point.upTo)}","rooms":[`, texts, `],${rest}}`);
  }
}

function isShown({ membership, forgotten }: MembershipRow, archived: boolean): boolean {
  if (forgotten) return false;
  if (membership === 'join' || membership === 'invite') return true;
  return archived && (membership === 'leave' || membership === 'ban');
}
