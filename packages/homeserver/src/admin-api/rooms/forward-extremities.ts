import { listForwardExtremities } from '@hearth/api/admin/rooms/forward-extremities.ts';
import { headOfRoom } from '../../client-api/support/head-of-room.ts';
import { type Route, route } from '../../http/route.ts';
import type { Aliases } from '../../rooms/aliases.ts';
import type { Heads } from '../../rooms/heads.ts';

/**
 * Returns the route of `GET /rooms/{roomIdOrAlias}/forward_extremities`. `state_group` is the number of the snapshot of the
 * state after the event, `received_ts` the time that the event states.
 */
export function forwardExtremitiesRoutes(heads: Heads, aliases: Aliases): Route[] {
  return [
    route(listForwardExtremities, async ({ params: { roomIdOrAlias } }) => {
      const head = await headOfRoom(heads, aliases, roomIdOrAlias);
      const results = head.extremities.map(({ eventId, snapshotAfter, depth, ts }) => ({
        event_id: eventId,
        state_group: snapshotAfter,
        depth,
        received_ts: ts,
      }));
      return { count: results.length, results };
    }),
  ];
}
