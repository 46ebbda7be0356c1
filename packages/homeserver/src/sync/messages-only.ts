import type { IgnoredUsers } from '../account-data/ignored-users.ts';
import type { Clock } from '../platform/clock.ts';
import type { Retention } from '../retention/retention.ts';
import type { Head } from '../rooms/head.ts';
import type { Heads } from '../rooms/heads.ts';
import type { Change } from '../storage/engine/stream.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { MembershipRow } from '../storage/rooms/membership-store.ts';
import { NOT_LOADED } from '../storage/state/state-tree.ts';
import { SYNC_FORMAT } from '../timeline/client-form.ts';
import { plainText } from '../timeline/hydrate.ts';
import type { UnreadCounts } from '../unread/unread-counts.ts';
import { type ChangeLog, isForMember } from './change-log.ts';
import type { LazyChain, LazyMembersCache } from './lazy-members-cache.ts';
import type { Peeks } from './peeks.ts';
import type { SyncFilter } from './request.ts';
import { timelineText, unreadText } from './section-texts.ts';
import type { Asked, Range } from './whole-answer.ts';

export interface MessagesOnlyDeps {
  readonly clock: Clock;
  readonly recent: ChangeLog;
  readonly events: EventStore;
  readonly heads: Heads;
  readonly ignoredUsers: IgnoredUsers;
  readonly retention: Retention;
  readonly peeks: Peeks;
  readonly lazyMembers: LazyMembersCache;
  readonly unread: UnreadCounts;
}

/**
 * The most common answer to a waiting request: only messages, in rooms that its user has long been in.
 * All of it is in memory, so that it is put together at once, without a promise.
 *
 * @returns what an answer says of rooms and what is outside them, word for word as the long way would (see `wholeAnswer`);
 * empty when there is no news, `undefined` for everything that is not as simple as that
 */
export function messagesOnly(
  deps: MessagesOnlyDeps,
  asked: Asked,
  filter: SyncFilter,
  range: Range,
): string | undefined {
  if (asked.fullState || deps.peeks.of(asked.device).size > 0) return undefined;
  const rooms = newMessages(deps, asked.user, range);
  if (rooms === undefined || rooms.size === 0) return rooms && '';
  if (!filter.isPlain || asked.stateAfter !== undefined || deps.retention.isActive) return undefined;
  const ignored = deps.ignoredUsers.of(asked.user);
  if (ignored instanceof Promise || ignored.size > 0) return undefined;
  const sections: string[] = [];
  for (const [row, events] of rooms) {
    const section = roomSection(deps, asked, { filter, lazy: range.lazy }, row, events);
    if (section === undefined) return undefined;
    sections.push(section);
  }
  return `,"rooms":{"join":{${sections.join(',')}}}`;
}

/** The messages of a range by room; `undefined` when something else has happened, or when that is too long ago. */
function newMessages(
  { recent, events }: MessagesOnlyDeps,
  user: number,
  { since, upTo, rows }: Range,
): ReadonlyMap<MembershipRow, StoredEvent[]> | undefined {
  const changes = since === undefined ? undefined : recent.concerning(user, rows, since);
  if (changes === undefined) return undefined;
  const rooms = new Map<MembershipRow, StoredEvent[]>();
  for (const change of changes) {
    if (change.position > upTo) break;
    if (!concerns(change, user, rows)) continue;
    const row = change.kind === 'event' ? rows.get(change.room) : undefined;
    const event = change.kind === 'event' ? events.cached(change.event) : undefined;
    // A user who has just joined a room gets more than its messages: their own membership is among the changes.
    if (row === undefined || event === undefined || event.isState || event.redacts !== undefined) return undefined;
    const messages = rooms.get(row);
    if (messages === undefined) rooms.set(row, [event]);
    else messages.push(event);
  }
  return rooms;
}

/** Whether a change is one for this part of an answer; what is for the device has a part of its own. */
function concerns(change: Change, user: number, rows: Range['rows']): boolean {
  switch (change.kind) {
    case 'event':
    case 'typing':
    case 'receipt':
      return isForMember(change, change.room, rows);
    case 'device-list':
    case 'to-device':
      return false;
    case 'presence':
      return true;
    default:
      return change.user === user;
  }
}

function roomSection(
  deps: MessagesOnlyDeps,
  asked: Asked,
  { filter, lazy }: { readonly filter: SyncFilter; readonly lazy: LazyChain | undefined },
  row: MembershipRow,
  events: readonly StoredEvent[],
): string | undefined {
  const head = deps.heads.cached(row.room);
  const [first] = events;
  if (head === undefined || first === undefined || events.length > filter.timelineLimit) return undefined;
  const texts: string[] = [];
  const now = deps.clock.now();
  for (const event of events) {
    if (filter.lazyMembers && !knowsSender(deps, lazy, head, event, first.num)) return undefined;
    const text = plainText(event, asked, { now, membership: 'join' }, SYNC_FORMAT);
    if (text === undefined) return undefined;
    texts.push(text);
  }
  const unread = deps.unread.known({ num: asked.user, id: asked.userId }, head, row);
  if (unread === undefined) return undefined;
  const timeline = timelineText({ texts, limited: false, after: (first.seq ?? 1) - 1 });
  return `${JSON.stringify(head.roomId)}:{${timeline},${unreadText(unread, filter.threadCounts)}}`;
}

/** Whether a client that loads members lazily has the sender's member event, which has not changed since. */
function knowsSender(
  { lazyMembers }: MessagesOnlyDeps,
  lazy: LazyChain | undefined,
  head: Head,
  { sender, senderNum }: StoredEvent,
  before: number,
): boolean {
  const member = head.peek('m.room.member', sender);
  if (lazy === undefined || member === undefined || member === NOT_LOADED || member.num >= before) return false;
  return lazyMembers.has(lazy, head.num, senderNum, member.num);
}
