import { cancelDelayedEvent } from '@hearth/api/client/delayed-events/cancel.ts';
import type { DelayedEvents } from '../../delayed-events/delayed-events.ts';
import { type Route, route } from '../../http/route.ts';

/** Returns the route of `POST /delayed_events/{delayId}/cancel` (MSC4140). */
export function cancelDelayedEventRoutes(delayedEvents: DelayedEvents): Route[] {
  return [
    route(cancelDelayedEvent, async ({ params }) => {
      await delayedEvents.cancel(params.delayId);
      return {};
    }),
  ];
}
