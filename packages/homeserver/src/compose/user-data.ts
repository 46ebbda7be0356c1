import { AccountData } from '../account-data/account-data.ts';
import { IgnoredUsers } from '../account-data/ignored-users.ts';
import { InvitePermission } from '../account-data/invite-permission.ts';
import { deleteLocalNotificationSettings } from '../account-data/local-notification-settings.ts';
import { Tags } from '../account-data/tags.ts';
import { Filters } from '../filters/filters.ts';
import { Profiles } from '../profile/profiles.ts';
import { completePushRules, PushRules } from '../push-rules/push-rules.ts';
import type { Base } from './base.ts';
import type { Users } from './users.ts';

export type UserData = ReturnType<typeof openUserData>;

/** The users whom the server itself and application services bring about. */
export interface OutsideUsers {
  /** The user who sends server notices. */
  readonly noticesSender?: string | undefined;
  /** Returns whether an application service has created a user who did not exist. */
  readonly createsUser?: (userId: string) => Promise<boolean>;
}

/** Creates the data of users: profiles, filters, account data, tags, push rules. They do not depend on rooms. */
export function openUserData(
  { database, names, stream, clock }: Omit<Base, 'random' | 'background'>,
  { accounts, accountChanges, sessions }: Users,
  { noticesSender, createsUser = () => Promise.resolve(false) }: OutsideUsers = {},
) {
  const profiles = new Profiles(database, accounts, createsUser);
  const accountData = new AccountData(database, names, stream, completePushRules(names));
  accountChanges.onDeactivated((user) => profiles.forget(user));
  accountChanges.onDeactivated((user) => accountData.forget(user));
  sessions.onRemoving(deleteLocalNotificationSettings(accountData));
  return {
    profiles,
    filters: new Filters(database, clock),
    accountData,
    ignoredUsers: new IgnoredUsers(accountData, names),
    invitePermission: new InvitePermission(accountData, names, noticesSender),
    tags: new Tags(accountData),
    pushRules: new PushRules(accountData),
  };
}
