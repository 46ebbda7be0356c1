import { deleteRoomTag, getRoomTags, setRoomTag } from '@hearth/api/client/user/tags.ts';
import { asObject } from '@hearth/protocol/json/value.ts';
import type { AccountData } from '../../account-data/account-data.ts';
import type { Tags } from '../../account-data/tags.ts';
import { type Route, route } from '../../http/route.ts';
import { requireSelf } from '../../users/self.ts';

/**
 * Returns the routes of `GET /user/{userId}/rooms/{roomId}/tags` and PUT and DELETE
 * `/user/{userId}/rooms/{roomId}/tags/{tag}` (client-server API, "Room Tagging").
 */
export function tagsRoutes(accountData: AccountData, tags: Tags): Route[] {
  return [
    route(getRoomTags, async ({ caller, params }) => {
      requireSelf(caller, params.userId);
      return { tags: await tags.of(caller.user, await accountData.roomOf(params.roomId)) };
    }),
    route(setRoomTag, async ({ caller, params, body }) => {
      requireSelf(caller, params.userId);
      const room = await accountData.roomOf(params.roomId);
      await tags.set(caller.user, room, params.tag, asObject(body) ?? {});
      return {};
    }),
    route(deleteRoomTag, async ({ caller, params }) => {
      requireSelf(caller, params.userId);
      await tags.remove(caller.user, await accountData.roomOf(params.roomId), params.tag);
      return {};
    }),
  ];
}
