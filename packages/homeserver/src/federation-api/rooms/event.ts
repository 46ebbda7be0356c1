import { getServedEvent } from '@hearth/api/federation/rooms/event.ts';
import { RawJson, type Route, route } from '../../http/route.ts';
import type { ServedEvents } from '../../rooms/serving/served-events.ts';

/** Returns the route of `GET /event/{eventId}` (server-server API, "Retrieving events"). */
export function servedEventRoutes(events: ServedEvents): Route[] {
  return [route(getServedEvent, async ({ origin, params }) => new RawJson(await events.event(origin, params.eventId)))];
}
