import { getNotifications } from '@hearth/api/client/notifications.ts';
import type { IgnoredUsers } from '../account-data/ignored-users.ts';
import { RawJson, type Route, route } from '../http/route.ts';
import { type NotificationsDeps, notificationsPage } from '../push/notifications.ts';
import { SYNC_FORMAT } from '../timeline/client-form.ts';
import { type HydrateDeps, hydrate, readerOf } from '../timeline/hydrate.ts';

interface Deps extends NotificationsDeps, HydrateDeps {
  readonly ignoredUsers: IgnoredUsers;
}

/** Returns the route of `GET /notifications` (client-server API, "Push Notifications"). */
export function notificationsRoutes(deps: Deps): Route[] {
  return [
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
