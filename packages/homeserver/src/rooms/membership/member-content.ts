import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { Membership } from '../../storage/rooms/membership-store.ts';

/** The part of a user's profile that member events contain. */
export interface MemberProfile {
  readonly displayname?: string;
  readonly avatar_url?: string;
}

/** A function that returns a local user's profile; it is empty for users that do not exist. */
export type ProfileOf = (userId: string) => Promise<MemberProfile>;

/** Returns the members of a member event that show the user's profile. */
export function profileMembers({ displayname, avatar_url }: MemberProfile): JsonObject {
  return {
    ...(displayname === undefined ? {} : { displayname }),
    ...(avatar_url === undefined ? {} : { avatar_url }),
  };
}

/** Returns the content of a member event. */
export function memberContent(
  membership: Exclude<Membership, 'none'>,
  profile: MemberProfile = {},
  more: { readonly reason?: string; readonly isDirect?: boolean } = {},
): JsonObject {
  return {
    membership,
    ...profileMembers(profile),
    ...(more.reason === undefined ? {} : { reason: more.reason }),
    ...(more.isDirect === true ? { is_direct: true } : {}),
  };
}
