import { getNotifications } from '@hearth/api/client/notifications.ts';
import { getPushers } from '@hearth/api/client/pushers/pushers.ts';
import { postPusher } from '@hearth/api/client/pushers/set.ts';
import type { IgnoredUsers } from '../account-data/ignored-users.ts';
import { RawJson, type Route, route } from '../http/route.ts';
import { dataOf } from '../push/notice.ts';
import { type NotificationsDeps, notificationsPage } from '../push/notifications.ts';
import type { Push } from '../push/push.ts';
import type { Pushers } from '../push/pushers.ts';
import { SYNC_FORMAT } from '../timeline/client-form.ts';
import { type HydrateDeps, hydrate, readerOf } from '../timeline/hydrate.ts';

interface Deps extends NotificationsDeps, HydrateDeps {
  readonly push: Push;
  readonly pushers: Pushers;
  readonly ignoredUsers: IgnoredUsers;
}

/** Returns the routes for pushers and the list of notifications (client-server API, "Push Notifications"). */
export function pusherRoutes(deps: Deps): Route[] {
  return [
    route(getPushers, async ({ caller }) => ({
      pushers: (await deps.pushers.of(caller.user)).map((row) => ({
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
    route(postPusher, async ({ body, caller }) => {
      await deps.push.setPusher(caller, body);
      return {};
    }),
    route(getNotifications, async ({ query, caller }) => {
      const reader = readerOf(caller, await deps.ignoredUsers.of(caller.user));
      const { from, limit, only } = query;
      const page = await notificationsPage(deps, reader, { from, limit, onlyHighlights: only === 'highlight' });
      const shown = page.notifications.map((notification) => notification.shown);
      const events = await hydrate(deps, reader, shown, SYNC_FORMAT);
      const texts = page.notifications.map(({ shown: { event }, actions, read }, i) => {
        const rest = JSON.stringify({ actions, read, room_id: event.roomId, ts: event.ts });
        return `{"event":${events[i]},${rest.slice(1)}`;
      });
      const next = page.next === undefined ? '' : `,"next_token":${JSON.stringify(page.next)}`;
      return new RawJson(`{"notifications":[${texts.join(',')}]${next}}`);
    }),
  ];
}
