import type { UserData } from '../../../account-data/user-data.ts';
import type { ConnectionState } from '../connection-state.ts';
import type { SlidingSyncBody } from '../lists.ts';
import type { RoomAnswer } from '../room-answers.ts';
import type { SlidingRange } from '../room-span.ts';
import type { RequestedRooms } from '../wanted-rooms.ts';

/** The parameters that all extensions of one answer use. */
export interface ExtensionRequest {
  readonly user: number;
  readonly body: SlidingSyncBody;
  readonly state: ConnectionState | undefined;
  readonly wanted: RequestedRooms;
  readonly range: SlidingRange;
  readonly data: UserData;
  /** The rooms of the answer with their timelines, by number. */
  readonly answers: ReadonlyMap<number, RoomAnswer>;
}

/** The name of the extension about thread subscriptions (MSC4308). */
export const THREADS_EXTENSION = 'io.element.msc4308.thread_subscriptions';

/** The extensions that send everything when a client enables them, and later only changes. */
const STATEFUL = ['account_data', 'receipts', 'typing', THREADS_EXTENSION] as const;

/** Returns the extensions among {@link STATEFUL} that a request enables. */
export function enabledExtensions({ extensions }: SlidingSyncBody): string[] {
  return STATEFUL.filter((name) => extensions?.[name]?.enabled === true);
}
