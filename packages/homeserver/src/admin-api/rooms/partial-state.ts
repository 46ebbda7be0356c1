import { getPartialState } from '@hearth/api/admin/rooms/partial-state.ts';
import { headOfRoom } from '../../client-api/support/head-of-room.ts';
import { type Route, route } from '../../http/route.ts';
import type { Aliases } from '../../rooms/aliases.ts';
import type { Heads } from '../../rooms/heads.ts';
import type { PartialStates } from '../../rooms/partial-state/partial-states.ts';

/**
 * Returns the route of `GET /rooms/{roomIdOrAlias}/partial_state`. `server` is the server that is asked for the whole state,
 * `stored_events` of `total_events` of its answer are stored.
 */
export function partialStateRoutes(heads: Heads, aliases: Aliases, partialStates: PartialStates): Route[] {
  return [
    route(getPartialState, async ({ params: { roomIdOrAlias } }) => {
      const { num } = await headOfRoom(heads, aliases, roomIdOrAlias);
      const partial = partialStates.of(num);
      if (partial === undefined) return { is_partial: false };
      const { attempts, server, stored, total, failure } = partial.progress;
      return {
        is_partial: true,
        joined_ts: partial.joins[0]?.ts ?? null,
        is_paused: partial.isPaused,
        servers: [...partial.servers],
        failed_attempts: attempts,
        server: server ?? null,
        stored_events: stored ?? null,
        total_events: total ?? null,
        last_failure: failure ?? null,
      };
    }),
  ];
}
