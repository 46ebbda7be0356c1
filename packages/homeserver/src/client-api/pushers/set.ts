import { postPusher } from '@hearth/api/client/pushers/set.ts';
import { type Route, route } from '../../http/route.ts';
import type { Push } from '../../push/push.ts';

/** Returns the route of `POST /pushers/set` (client-server API, "Push Notifications"). */
export function setPusherRoutes(push: Push): Route[] {
  return [
    route(postPusher, async ({ body, caller }) => {
      await push.setPusher(caller, body);
      return {};
    }),
  ];
}
