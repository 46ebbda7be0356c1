import { getTokenOwner } from '@hearth/api/client/account/whoami.ts';
import { type Route, route } from '../../http/route.ts';

/** Returns the route of `GET /account/whoami`. */
export function whoamiRoutes(): Route[] {
  return [
    route(getTokenOwner, ({ caller }) => ({
      user_id: caller.userId,
      device_id: caller.deviceId,
      is_guest: caller.isGuest,
    })),
  ];
}
