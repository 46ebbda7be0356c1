import { sendDelayedEvent } from '@hearth/api/client/delayed-events/send.ts';
import type { DelayedEvents } from '../../delayed-events/delayed-events.ts';
import { type Route, route } from '../../http/route.ts';

/** Returns the route of `POST /delayed_events/{delayId}/send` (MSC4140). */
export function sendDelayedEventRoutes(delayedEvents: DelayedEvents): Route[] {
  return [
    route(sendDelayedEvent, async ({ params }) => {
      await delayedEvents.send(params.delayId);
      return {};
    }),
  ];
}
