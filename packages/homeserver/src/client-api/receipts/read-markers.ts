import { setReadMarker } from '@hearth/api/client/receipts/read-markers.ts';
import { type Route, route } from '../../http/route.ts';
import type { Receipts } from '../../receipts/receipts.ts';

/** Returns the route of `POST /rooms/{roomId}/read_markers` (client-server API, "Fully read markers"). */
export function readMarkersRoutes(receipts: Receipts): Route[] {
  return [
    route(setReadMarker, async ({ caller, params, body }) => {
      for (const type of ['m.fully_read', 'm.read', 'm.read.private'] as const) {
        const eventId = body[type];
        if (eventId !== undefined) await receipts.send(caller, params.roomId, type, eventId);
      }
      return {};
    }),
  ];
}
