import { getPushers } from '@hearth/api/client/pushers/pushers.ts';
import { type Route, route } from '../../http/route.ts';
import { dataOf } from '../../push/notice.ts';
import type { Pushers } from '../../push/pushers.ts';

/** Returns the route of `GET /pushers` (client-server API, "Push Notifications"). */
export function pushersRoutes(pushers: Pushers): Route[] {
  return [
    route(getPushers, async ({ caller }) => ({
      pushers: (await pushers.of(caller.user)).map((row) => ({
        app_id: row.app_id,
        pushkey: row.pushkey,
        kind: row.kind,
        app_display_name: row.app_display_name,
        device_display_name: row.device_display_name,
        ...(row.profile_tag === null ? {} : { profile_tag: row.profile_tag }),
        lang: row.lang,
        data: dataOf(row),
      })),
    })),
  ];
}
