import type { Background } from '../../platform/concurrency/background.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { Change, Stream } from '../../storage/engine/stream.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { Accounts } from '../../users/accounts.ts';
import type { Head } from '../head.ts';
import type { Heads } from '../heads.ts';
import type { Memberships } from './membership.ts';

export interface GuestAccessDeps {
  readonly stream: Stream;
  readonly names: Names;
  readonly events: EventStore;
  readonly heads: Heads;
  readonly joining: Memberships;
  readonly accounts: Accounts;
  readonly background: Background;
}

/** Makes guests leave a room that stops letting guests in (client-server API, "Guest Access", "Server behaviour"). */
export function watchGuestAccess(deps: GuestAccessDeps): void {
  deps.stream.listen((changes) => {
    for (const change of changes) {
      if (!mayEndAccess(deps, change)) continue;
      const { room, event } = change;
      deps.background.start('making guests leave', () => endAccess(deps, room, event));
    }
  });
}

function mayEndAccess(deps: GuestAccessDeps, change: Change): change is Change & { kind: 'event' } {
  if (change.kind !== 'event') return false;
  const type = deps.events.cached(change.event)?.type;
  return type === 'm.room.guest_access' || type === 'm.room.redaction';
}

/** `num` is an event that has set guest access, or has redacted some event. */
async function endAccess(deps: GuestAccessDeps, room: number, num: number): Promise<void> {
  const head = await deps.heads.byNum(room);
  const access = await head?.state('m.room.guest_access');
  if (head === undefined || access === undefined || access.content.guest_access === 'can_join') return;
  if (access.num === num || access.redactedBy === num) await removeGuests(deps, head);
}

async function removeGuests({ accounts, joining, names }: GuestAccessDeps, head: Head): Promise<void> {
  const guests = await accounts.guestsAmong([...head.joined]);
  const errors: unknown[] = [];
  for (const [user, userId] of await names.texts(guests)) {
    await joining.leave(head, { user, userId, isGuest: true }).catch((error: unknown) => errors.push(error));
  }
  if (errors.length > 0) throw new AggregateError(errors, `${errors.length} guests could not leave ${head.roomId}`);
}
