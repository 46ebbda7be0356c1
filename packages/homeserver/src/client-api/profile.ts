import { deleteProfileField, getProfileField, getUserProfile, setProfileField } from '@hearth/api/client/profile.ts';
import { missingParam } from '@hearth/protocol/errors.ts';
import { member } from '@hearth/protocol/json/value.ts';
import { type Route, route } from '../http/route.ts';
import { checkGuest, checkKeyName } from '../profile/fields.ts';
import type { ProfileLookup } from '../profile/profile-lookup.ts';
import type { Profiles } from '../profile/profiles.ts';
import { requireSelf } from '../users/self.ts';

/**
 * Returns the routes of `GET /profile/{userId}` and GET, PUT and DELETE `/profile/{userId}/{keyName}`
 * (client-server API, "Profiles").
 */
export function profileRoutes(profiles: Profiles, lookup: ProfileLookup): Route[] {
  return [
    route(getUserProfile, ({ params }) => lookup.of(params.userId)),
    route(getProfileField, async ({ params }) => ({
      [params.keyName]: await lookup.field(params.userId, params.keyName),
    })),
    route(setProfileField, async ({ caller, params, body }) => {
      const { userId, keyName } = params;
      requireSelf(caller, userId);
      checkGuest(caller, keyName);
      checkKeyName(keyName);
      const value = member(body, keyName);
      if (value === undefined) throw missingParam(`Missing member '${keyName}'`);
      await profiles.set(caller.user, userId, keyName, value);
      return {};
    }),
    route(deleteProfileField, async ({ caller, params }) => {
      requireSelf(caller, params.userId);
      checkGuest(caller, params.keyName);
      await profiles.delete(caller.user, params.userId, params.keyName);
      return {};
    }),
  ];
}
