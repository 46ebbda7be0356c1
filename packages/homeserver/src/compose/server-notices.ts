import { userId } from '@hearth/protocol/identifiers/user-id.ts';
import { ConfigError } from '../config/problems.ts';
import type { Config } from '../config/schema.ts';
import { type NoticesSender, ServerNotices } from '../server-notices/server-notices.ts';
import { NOTICES_USER } from '../storage/accounts/accounts.ts';
import type { Base } from './base.ts';
import type { Rooms } from './rooms.ts';
import type { UserData } from './user-data.ts';
import type { Users } from './users.ts';

/**
 * Returns the user who sends server notices; undefined if the configuration names none. The account has no password, so that
 * nobody can log in.
 * @throws ConfigError
 */
export async function openNoticesSender(
  { server_name, server_notices }: Config,
  { accounts }: Users,
): Promise<NoticesSender | undefined> {
  const { localpart } = server_notices;
  if (localpart === undefined) return undefined;
  const id = userId(localpart, server_name);
  if (id === undefined) throw new ConfigError(['server_notices.localpart is not the localpart of a user id']);
  const account = (await accounts.find(id)) ?? (await accounts.create(id, { displayName: '', userType: NOTICES_USER }));
  if (account.userType !== NOTICES_USER)
    throw new ConfigError([`server_notices.localpart: ${id} is the account of a user; choose another localpart`]);
  return account;
}

/** Gives the user who sends server notices the profile of the configuration. */
export async function describeNoticesSender(
  { server_notices: { display_name, avatar_url } }: Config,
  from: NoticesSender | undefined,
  { profiles }: UserData,
): Promise<void> {
  if (from === undefined) return;
  await profiles.set(from.user, from.userId, 'displayname', display_name);
  await profiles.set(from.user, from.userId, 'avatar_url', avatar_url ?? '');
}

/** Creates the sending of server notices. */
export function createServerNotices(
  { server_notices }: Config,
  { database }: Base,
  { users, userData, rooms }: { readonly users: Users; readonly userData: UserData; readonly rooms: Rooms },
  from: NoticesSender | undefined,
): ServerNotices {
  return new ServerNotices({
    from,
    settings: {
      roomName: server_notices.room_name,
      roomTopic: server_notices.room_topic,
      roomAvatarUrl: server_notices.room_avatar_url,
      isJoinedAtOnce: server_notices.auto_join,
    },
    database,
    accounts: users.accounts,
    tags: userData.tags,
    rooms,
  });
}
