import { worldReadableSince } from '../rooms/access.ts';
import type { Heads } from '../rooms/heads.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { MembershipRow } from '../storage/rooms/membership-store.ts';
import { LEGACY_FORMAT } from '../timeline/client-form.ts';
import { plainText } from '../timeline/hydrate.ts';
import {
  changesFor,
  type Happenings,
  type HappeningsDeps,
  isOfInterest,
  type ListenedRooms,
  type Listener,
  type Window,
} from './happenings.ts';

/**
 * The most common answer of the event stream: only messages, in rooms that the listener has long been in or that are
 * world readable. From memory at once, as `messagesOnly` for `/sync`.
 *
 * @returns what `happenings` would give; `undefined` for everything that is not as simple as that
 */
export function legacyMessages(
  deps: HappeningsDeps,
  listener: Listener,
  rooms: ListenedRooms | undefined,
  { from, upTo, limit }: Window,
): Happenings | undefined {
  const rows = deps.userRooms.cached(listener.user);
  const changes = rows && changesFor(deps.recent, listener.user, { rooms, rows }, from);
  const ignored = deps.ignoredUsers.of(listener.user);
  if (changes === undefined || rows === undefined || ignored instanceof Promise || ignored.size > 0) return undefined;
  // The members decide whose presence is delivered.
  for (const room of rooms?.open ?? []) if (deps.heads.cached(room) === undefined) return undefined;
  const texts: string[] = [];
  const now = deps.clock.now();
  for (const change of changes) {
    if (change.position > upTo) break;
    if (!isOfInterest(deps, change, rooms, rows)) continue;
    const event = change.kind === 'event' ? deps.events.cached(change.event) : undefined;
    if (event === undefined || event.isState || texts.length === limit || deps.retention.isActive) return undefined;
    const membership = membershipAt(deps.heads, rows.get(event.room), event);
    const text = membership && plainText(event, listener, { now, membership }, LEGACY_FORMAT);
    if (text === undefined) return undefined;
    texts.push(text);
  }
  return { texts, end: upTo };
}

/** The membership of somebody who may read a message; `undefined` when that takes more than a look at the present. */
function membershipAt(heads: Heads, row: MembershipRow | undefined, event: StoredEvent): string | undefined {
  if (row?.membership === 'join') return row.event < event.num ? 'join' : undefined;
  const head = row === undefined ? heads.cached(event.room) : undefined;
  const since = head && worldReadableSince(head);
  return since !== undefined && since < event.num ? 'leave' : undefined;
}
