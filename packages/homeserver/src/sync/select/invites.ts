import type { IgnoredUsers } from '../../account-data/ignored-users.ts';
import type { InvitePermission } from '../../account-data/invite-permission.ts';
import type { Lookups } from '../../platform/lookups/lookups.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { MembershipRow } from '../../storage/rooms/membership-store.ts';

interface Parts {
  readonly events: EventStore;
  readonly ignoredUsers: IgnoredUsers;
  readonly invitePermission: InvitePermission;
}

/** Selects the invitations that a user gets. */
export class Invites {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Returns the invitations among some rows, shown and hidden ones. They are hidden if the user ignores
   * the sender, or ignores or blocks the sender's invitations (client-server API, "Ignoring Users", "Invite permission";
   * MSC4155).
   */
  among(
    lookups: Lookups,
    user: number,
    rows: readonly MembershipRow[],
  ): { readonly shown: readonly MembershipRow[]; readonly hidden: readonly MembershipRow[] } {
    const { events, ignoredUsers, invitePermission } = this.#parts;
    const all = rows.filter(({ membership }) => membership === 'invite');
    if (all.length === 0) return { shown: all, hidden: all };
    const hides = invitePermission.hiding(lookups, user);
    const ignored = lookups.get(ignoredUsers.source, user);
    if (ignored.size === 0 && hides === undefined) return { shown: all, hidden: [] };
    const members = lookups.all(
      events.source,
      all.map(({ event }) => event),
    );
    const isShown = (_: MembershipRow, i: number) => {
      const member = members[i];
      return member === undefined || !(ignored.has(member.senderNum) || hides?.(member.sender) === true);
    };
    return { shown: all.filter(isShown), hidden: all.filter((row, i) => !isShown(row, i)) };
  }
}
