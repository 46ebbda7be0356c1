import type { UserData } from '../../../account-data/user-data.ts';
import type { ConnectionState } from '../connection-state.ts';
import type { SlidingSyncBody } from '../lists.ts';
import type { RoomAnswer } from '../room-answers.ts';
import type { SlidingRange } from '../room-span.ts';
import type { Wanted } from '../wanted-rooms.ts';

/** The parts that the extensions of one answer have in common. */
export interface ExtensionRequest {
  readonly user: number;
  readonly body: SlidingSyncBody;
  readonly state: ConnectionState | undefined;
  readonly wanted: Wanted;
  readonly range: SlidingRange;
  readonly data: UserData;
  /** The rooms of the answer: by number, with what their timelines show. */
  readonly answers: ReadonlyMap<number, RoomAnswer>;
}

/** Threads that are followed, as the extension calls itself in requests and answers (MSC4308). */
export const THREADS_EXTENSION = 'io.element.msc4308.thread_subscriptions';

/** The room extensions, and those whose news are told from the moment on in which they are switched on. */
const STATEFUL = ['account_data', 'receipts', 'typing', THREADS_EXTENSION] as const;

/** The extensions that are on and have something to tell all clients that switch them on. */
export function enabledExtensions({ extensions }: SlidingSyncBody): string[] {
  return STATEFUL.filter((name) => extensions?.[name]?.enabled === true);
}
