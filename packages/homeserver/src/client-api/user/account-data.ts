import {
  deleteAccountData,
  deleteAccountDataPerRoom,
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
 * Returns the routes of GET, PUT and DELETE `/user/{userId}/account_data/{type}` and
 * `/user/{userId}/rooms/{roomId}/account_data/{type}` (client-server API, "Client Config"; MSC3391).
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
    route(deleteAccountData, async ({ caller, params }) => {
      requireSelf(caller, params.userId);
      await accountData.deleteByClient(caller.user, GLOBAL, params.type);
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
    route(deleteAccountDataPerRoom, async ({ caller, params }) => {
      requireSelf(caller, params.userId);
      const room = await accountData.roomOf(params.roomId);
      await accountData.deleteByClient(caller.user, room, params.type);
      return {};
    }),
  ];
}
