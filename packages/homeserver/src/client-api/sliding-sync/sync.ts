import { slidingSync as slidingSyncEndpoint } from '@hearth/api/client/sliding-sync/sync.ts';
import { jsonAnswer, type Route, route } from '../../http/route.ts';
import { parsePos } from '../../sync/sliding/connections.ts';
import type { SlidingSync } from '../../sync/sliding/sliding-sync.ts';
import { pollTimeout } from '../support/poll-timeout.ts';

/** Returns the route of `POST /sync`, sliding sync (MSC4186). */
export function slidingSyncRoutes(slidingSync: SlidingSync): Route[] {
  return [
    route(slidingSyncEndpoint, async (call) => {
      const { query, body, caller } = call;
      const text = await slidingSync.respond({
        user: caller.user,
        userId: caller.userId,
        device: caller.device,
        pos: query.pos === undefined ? undefined : parsePos(query.pos),
        body,
        presence: query.set_presence ?? 'online',
        timeoutMs: pollTimeout(query.timeout),
        cancellation: () => call.cancellation,
      });
      return jsonAnswer(text);
    }),
  ];
}
