import type { Receipts } from '../receipts/receipts.ts';
import type { Head } from '../rooms/head.ts';
import type { Heads } from '../rooms/heads.ts';
import type { UserRooms } from '../rooms/membership/user-rooms.ts';
import { threadsOf } from '../rooms/threads.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import { marksAsRead, readMarks } from '../unread/unread-counts.ts';

export interface WorthTellingDeps {
  readonly heads: Heads;
  readonly events: EventStore;
  readonly userRooms: UserRooms;
  readonly receipts: Receipts;
}

/** The event, unless the user has read it, has left since, or it was taken back. */
export async function worthTelling(
  deps: WorthTellingDeps,
  user: number,
  num: number,
): Promise<{ event: StoredEvent; head: Head } | undefined> {
  const event = await deps.events.one(num);
  if (event === undefined || event.seq === null || event.redactedBy !== null) return undefined;
  const head = await deps.heads.byNum(event.room);
  const row = await deps.userRooms.one(user, event.room);
  if (head === undefined || row === undefined) return undefined;
  if (row.membership !== 'join') return row.membership === 'invite' && row.event === num ? { event, head } : undefined;
  const receipts = await deps.receipts.receiptsOf(event.room);
  const thread = (await threadsOf(deps.events, [event])).get(num);
  const isRead = (event.seq ?? 0) <= readMarks([...receipts.ofUser(user)]).of(thread);
  return isRead || (await hasAnswered(deps, user, { event, head, thread })) ? undefined : { event, head };
}

/** Whether a user has sent something in the thread of an event after it, as far as the head remembers the timeline. */
async function hasAnswered(
  { events }: WorthTellingDeps,
  user: number,
  { event, head, thread }: { readonly event: StoredEvent; readonly head: Head; readonly thread: string | undefined },
): Promise<boolean> {
  const later = await events.list(head.numsAfter(event.seq ?? 0) ?? []);
  const own = later.filter((each) => marksAsRead(each, user));
  const threads = await threadsOf(events, own);
  return own.some(({ num }) => threads.get(num) === thread);
}
