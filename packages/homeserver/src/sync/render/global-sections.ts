import type { AccountData } from '../../account-data/account-data.ts';
import { GLOBAL } from '../../account-data/user-data.ts';
import { matches } from '../../filters/matching.ts';
import type { Lookups } from '../../platform/lookups/lookups.ts';
import type { Presences } from '../../presence/presence.ts';
import type { Heads } from '../../rooms/heads.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { SelectedRoom } from '../select/selected-room.ts';
import type { SyncFilter } from '../sync-filter.ts';
import { plainEvent } from './plain-event.ts';

interface Parts {
  readonly names: Names;
  readonly events: EventStore;
  readonly heads: Heads;
  readonly accountData: AccountData;
  readonly presences: Presences;
}

/** The user, the position of the client's token, and the filter. */
interface GlobalRequest {
  readonly user: number;
  readonly since: number | undefined;
  readonly filter: SyncFilter;
}

const NOBODY: ReadonlySet<number> = new Set();

/** Renders the parts of a `/sync` answer that do not belong to a room. */
export class GlobalSections {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Renders account data and presence with a leading comma, each only if it has changed. The presence of users who have
   * just begun to share a room is included, whenever it has changed.
   */
  text(lookups: Lookups, request: GlobalRequest, joined: readonly SelectedRoom[]): string {
    const [accountData, presence] = lookups.both(
      () => this.#accountData(lookups, request),
      () => this.#presence(lookups, request, joined),
    );
    const parts = accountData === '' ? '' : `,"account_data":{"events":[${accountData}]}`;
    return presence === '' ? parts : `${parts},"presence":{"events":[${presence}]}`;
  }

  #accountData(lookups: Lookups, { user, since, filter }: GlobalRequest): string {
    const data = lookups.get(this.#parts.accountData.source, user);
    if (since !== undefined && data.last <= since) return '';
    const rows = since === undefined ? [...data.global()] : data.since(since).filter(({ room }) => room === GLOBAL);
    return rows
      .filter(({ type }) => matches(filter.accountData, type, '', () => false))
      .map(({ type, content }) => plainEvent(type, content))
      .join(',');
  }

  #presence(lookups: Lookups, { user, since, filter }: GlobalRequest, joined: readonly SelectedRoom[]): string {
    if (filter.presence.nothing) return '';
    const { presences, names } = this.#parts;
    const changed = presences.changedSince(lookups, user, since);
    const met = since === undefined ? NOBODY : this.#newSharingUsers(lookups, joined);
    if (changed.length === 0 && met.size === 0) return '';
    const users = met.size === 0 ? changed : new Set([...changed, ...presences.present(met)]);
    const events = lookups.each(users, (other) => {
      const sender = lookups.get(names.textSource, other);
      if (!matches(filter.presence, 'm.presence', sender, () => false)) return '';
      return plainEvent('m.presence', JSON.stringify(presences.contentOf(lookups, other)), { sender });
    });
    return events.filter((event) => event !== '').join(',');
  }

  /**
   * Returns the users who have begun to share a room with the user: all members of new rooms, and new members of the
   * others.
   */
  #newSharingUsers(lookups: Lookups, joined: readonly SelectedRoom[]): ReadonlySet<number> {
    const { heads, events } = this.#parts;
    const users: number[] = [];
    lookups.each(joined, ({ row, isNew, nums }) => {
      if (isNew) for (const user of lookups.get(heads.source, row.room)?.joined ?? NOBODY) users.push(user);
      lookups.each(nums, (num) => {
        const event = lookups.get(events.source, num);
        if (event?.type !== 'm.room.member' || event.stateKeyNum === null) return;
        if (event.content.membership === 'join') users.push(event.stateKeyNum);
      });
    });
    return users.length === 0 ? NOBODY : new Set(users);
  }
}
