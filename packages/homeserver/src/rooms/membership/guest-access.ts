import type { Background } from '../../platform/concurrency/background.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { Change, Stream } from '../../storage/engine/stream.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { Accounts } from '../../users/accounts.ts';
import type { Head } from '../head.ts';
import type { Heads } from '../heads.ts';
import type { Memberships } from './membership.ts';

interface GuestAccessParts {
  readonly stream: Stream;
  readonly names: Names;
  readonly events: EventStore;
  readonly heads: Heads;
  readonly joining: Memberships;
  readonly accounts: Accounts;
  readonly background: Background;
}

/** Removes guests from a room that no longer permits guests (client-server API, "Guest Access", "Server behaviour"). */
export class GuestAccess {
  readonly #parts: GuestAccessParts;

  constructor(parts: GuestAccessParts) {
    this.#parts = parts;
  }

  /** Starts to watch the changes of rooms. */
  watch(): void {
    const { stream, background } = this.#parts;
    stream.listen((changes) => {
      for (const change of changes) {
        if (!this.#mayEndAccess(change)) continue;
        const { room, event } = change;
        background.start('removing guests', () => this.#endAccess(room, event));
      }
    });
  }

  #mayEndAccess(change: Change): change is Change & { kind: 'event' } {
    if (change.kind !== 'event') return false;
    const type = this.#parts.events.cached(change.event)?.type;
    return type === 'm.room.guest_access' || type === 'm.room.redaction';
  }

  /** @param num an event that has set guest access, or has redacted some event */
  async #endAccess(room: number, num: number): Promise<void> {
    const head = await this.#parts.heads.byNum(room);
    const access = await head?.state('m.room.guest_access');
    if (head === undefined || access === undefined || access.content.guest_access === 'can_join') return;
    if (access.num === num || access.redactedBy === num) await this.#removeGuests(head);
  }

  async #removeGuests(head: Head): Promise<void> {
    const { accounts, joining, names } = this.#parts;
    const guests = await accounts.guestsAmong([...head.joined]);
    const errors: unknown[] = [];
    for (const [user, userId] of await names.texts(guests)) {
      await joining.leave(head, { user, userId, isGuest: true }).catch((error: unknown) => errors.push(error));
    }
    if (errors.length > 0) throw new AggregateError(errors, `${errors.length} guests could not leave ${head.roomId}`);
  }
}
