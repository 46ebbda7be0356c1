import { restartDelayedEvent } from '@hearth/api/client/delayed-events/restart.ts';
import type { DelayedEvents } from '../../delayed-events/delayed-events.ts';
import { type Route, route } from '../../http/route.ts';

/** Returns the route of `POST /delayed_events/{delayId}/restart` (MSC4140). */
export function restartDelayedEventRoutes(delayedEvents: DelayedEvents): Route[] {
  return [
    route(restartDelayedEvent, async ({ params }) => {
      await delayedEvents.restart(params.delayId);
      return {};
    }),
  ];
}
