import type { AccountData } from '../../account-data/account-data.ts';
import type { IgnoredUsers } from '../../account-data/ignored-users.ts';
import { complete } from '../../platform/lookups/lookups.ts';
import { readerOf } from '../../rooms/access.ts';
import type { LazyChain } from '../gather/lazy-members-cache.ts';
import type { ReadPoint } from '../select/stream-reader.ts';
import type { ClientPosition } from './client-memberships.ts';
import type { Extensions } from './extensions/extensions.ts';
import type { SlidingSyncBody } from './lists.ts';
import type { RoomAnswer, RoomAnswers } from './room-answers.ts';
import type { Selected, SlidingSelection } from './sliding-selection.ts';

interface Parts {
  readonly ignoredUsers: IgnoredUsers;
  readonly accountData: AccountData;
  readonly selection: SlidingSelection;
  readonly rooms: RoomAnswers;
  readonly extensions: Extensions;
}

/** The user and device of a request, and its body. */
export interface SlidingAnswerRequest {
  readonly user: number;
  readonly userId: string;
  readonly device: number;
  readonly body: SlidingSyncBody;
}

/** The rooms and extensions between a client's position and a read point. */
export interface RenderedRooms extends Selected {
  readonly rooms: readonly RoomAnswer[];
  readonly extensions: readonly string[];
  readonly hasNews: boolean;
}

/** Renders the changes for a client between its position and a read point. */
export class SlidingAnswer {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async answer(
    request: SlidingAnswerRequest,
    position: ClientPosition & { readonly lazy: LazyChain },
    point: ReadPoint,
  ): Promise<RenderedRooms> {
    const { ignoredUsers, accountData, selection, rooms: roomAnswers, extensions } = this.#parts;
    const { user, userId } = request;
    const { selected, data, reader } = await complete((lookups) => ({
      selected: selection.select(lookups, request, position, point),
      data: lookups.get(accountData.source, user),
      reader: readerOf(request, lookups.get(ignoredUsers.source, user)),
    }));
    const { range, wanted, spans } = selected;
    const rooms = await roomAnswers.answers({ user, userId, reader, lazy: position.lazy, range, data }, spans);
    const answers = new Map(rooms.map((answer) => [answer.room, answer]));
    const shared = { user, device: request.device, body: request.body, state: position.state, wanted, range };
    const { texts, hasNews } = await extensions.answer({ ...shared, data, answers }, reader);
    return { ...selected, rooms, extensions: texts, hasNews: rooms.length > 0 || hasNews };
  }
}
