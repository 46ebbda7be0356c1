import { getNotifications } from '@hearth/api/client/notifications.ts';
import { RawJson, type Route, route } from '../http/route.ts';
import type { Notifications } from '../push/notifications.ts';
import type { RoomReaders } from '../rooms/access.ts';
import { SYNC_FORMAT } from '../timeline/render/client-form.ts';
import type { EventRenderer } from '../timeline/render/event-renderer.ts';

/** Returns the route of `GET /notifications` (client-server API, "Push Notifications"). */
export function notificationsRoutes(
  notifications: Notifications,
  renderer: EventRenderer,
  readers: RoomReaders,
): Route[] {
  return [
    route(getNotifications, async ({ query, caller }) => {
      const reader = await readers.reader(caller);
      const { from, limit, only } = query;
      const page = await notifications.page(reader, caller.userId, {
        from,
        limit,
        onlyHighlights: only === 'highlight',
      });
      const shown = page.notifications.map((notification) => notification.shown);
      const events = await renderer.render(reader, shown, SYNC_FORMAT);
      const texts = page.notifications.map(({ shown: { event }, actions, read }, i) => {
        const rest = JSON.stringify({ actions, read, room_id: event.roomId, ts: event.ts });
        return `{"event":${events[i]},${rest.slice(1)}`;
      });
      const next = page.next === undefined ? '' : `,"next_token":${JSON.stringify(page.next)}`;
      return new RawJson(`{"notifications":[${texts.join(',')}]${next}}`);
    }),
  ];
}
