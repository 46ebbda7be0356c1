import { AccountData } from '../account-data/account-data.ts';
import { IgnoredUsers } from '../account-data/ignored-users.ts';
import { InvitePermission } from '../account-data/invite-permission.ts';
import { Tags } from '../account-data/tags.ts';
import { Filters } from '../filters/filters.ts';
import type { Clock } from '../platform/clock.ts';
import type { Background } from '../platform/concurrency/background.ts';
import { Presences } from '../presence/presence.ts';
import { Profiles } from '../profile/profiles.ts';
import { completePushRules, PushRules } from '../push-rules/push-rules.ts';
import { Receipts } from '../receipts/receipts.ts';
import type { FindEventPlace, Membership } from '../rooms/membership/membership-view.ts';
import type { Database } from '../storage/engine/database.ts';
import type { Names } from '../storage/engine/names.ts';
import type { Stream } from '../storage/engine/stream.ts';
import { TypingNotices } from '../typing/typing.ts';
import type { Users } from './users.ts';

export interface UserDataBase {
  readonly database: Database;
  readonly names: Names;
  readonly stream: Stream;
  readonly clock: Clock;
  readonly background: Background;
  readonly users: Users;
}

/** The parts of rooms that domains need that depend on memberships. */
export interface RoomsView {
  readonly membership: Membership;
  readonly eventPlace: FindEventPlace;
}

/** Creates users' data: profiles, filters, account data, tags, push rules. They do not depend on rooms. */
export function openUserData({ database, names, stream, clock, users }: Omit<UserDataBase, 'background'>) {
  const profiles = new Profiles(database, users.accounts);
  const accountData = new AccountData(database, names, stream, completePushRules(names));
  users.accountChanges.onDeactivated((user) => profiles.forget(user));
  users.accountChanges.onDeactivated((user) => accountData.forget(user));
  return {
    profiles,
    filters: new Filters(database, clock),
    accountData,
    ignoredUsers: new IgnoredUsers(accountData, names),
    invitePermission: new InvitePermission(accountData, names),
    tags: new Tags(accountData),
    pushRules: new PushRules(accountData),
  };
}

export type UserData = ReturnType<typeof openUserData>;

/** Creates the activities in rooms besides events: receipts, typing, presence. */
export function openActivity(base: UserDataBase, { accountData }: UserData, { membership, eventPlace }: RoomsView) {
  const { database, names, stream, clock, background, users } = base;
  const typing = new TypingNotices({ stream, clock, membership, background });
  const presences = new Presences({ database, names, stream, clock, background, membership });
  users.accountChanges.onDeactivated((user) => presences.forget(user));
  return {
    receipts: new Receipts({ database, stream, clock, membership, eventPlace, accountData }),
    typing,
    presences,
    close() {
      typing.close();
    },
  };
}

export type Activity = ReturnType<typeof openActivity>;
