import {
  getAccountData,
  getAccountDataPerRoom,
  setAccountData,
  setAccountDataPerRoom,
} from '@hearth/api/client/user/account-data.ts';
import type { AccountData } from '../../account-data/account-data.ts';
import { GLOBAL } from '../../account-data/user-data.ts';
import { RawJson, type Route, route } from '../../http/route.ts';
import { requireSelf } from '../../users/self.ts';

/**
 * Returns the routes of GET and PUT `/user/{userId}/account_data/{type}` and GET and PUT
 * `/user/{userId}/rooms/{roomId}/account_data/{type}` (client-server API, "Client Config").
 */
export function accountDataRoutes(accountData: AccountData): Route[] {
  return [
    route(getAccountData, async ({ caller, params }) => {
      requireSelf(caller, params.userId);
      return new RawJson(await accountData.content(caller.user, GLOBAL, params.type));
    }),
    route(setAccountData, async ({ caller, params, body }) => {
      requireSelf(caller, params.userId);
      await accountData.setByClient(caller.user, GLOBAL, params.type, JSON.stringify(body));
      return {};
    }),
    route(getAccountDataPerRoom, async ({ caller, params }) => {
      requireSelf(caller, params.userId);
      const room = await accountData.roomOf(params.roomId);
      return new RawJson(await accountData.content(caller.user, room, params.type));
    }),
    route(setAccountDataPerRoom, async ({ caller, params, body }) => {
      requireSelf(caller, params.userId);
      const room = await accountData.roomOf(params.roomId);
      await accountData.setByClient(caller.user, room, params.type, JSON.stringify(body));
      return {};
    }),
  ];
}
