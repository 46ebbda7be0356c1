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

/** Creates the data of users: profiles, filters, account data, tags, push rules. They do not depend on rooms. */
export function openUserData(
  { database, names, stream, clock }: Omit<Base, 'random' | 'background'>,
  { accounts, accountChanges, sessions }: Users,
  noticesSender?: string,
) {
  const profiles = new Profiles(database, accounts);
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
