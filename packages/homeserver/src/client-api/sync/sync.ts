import { sync as syncEndpoint } from '@hearth/api/client/sync/sync.ts';
import { EVERYTHING } from '../../filters/filter.ts';
import type { Filters } from '../../filters/filters.ts';
import { jsonAnswer, type Route, route } from '../../http/route.ts';
import type { StateAfterName } from '../../sync/render/section-request.ts';
import type { Sync } from '../../sync/sync.ts';
import { parseSyncToken } from '../../timeline/position.ts';
import { pollTimeout } from '../support/poll-timeout.ts';

/** Returns the route of `GET /sync`. */
export function syncRoutes(sync: Sync, filters: Filters): Route[] {
  return [
    route(syncEndpoint, async (call) => {
      const { query, caller } = call;
      const { user, userId, device } = caller;
      const filter = query.filter === undefined ? EVERYTHING : await filters.resolve(user, query.filter);
      const since = query.since === undefined ? undefined : parseSyncToken(query.since, 'since');
      const text = await sync.respond({
        user,
        userId,
        device,
        since: since?.position,
        toDevice: since?.toDevice,
        filter,
        fullState: query.full_state === true,
        stateAfter: stateAfterName(query),
        presence: query.set_presence ?? 'online',
        timeoutMs: pollTimeout(query.timeout),
        cancellation: () => call.cancellation,
      });
      return jsonAnswer(text);
    }),
  ];
}

/**
 * Returns the name of `state_after` in the answer. Clients that request it by its unstable name expect that name in the
 * answer (MSC4222).
 */
function stateAfterName(query: {
  readonly use_state_after?: boolean | undefined;
  readonly 'org.matrix.msc4222.use_state_after'?: boolean | undefined;
}): StateAfterName | undefined {
  if (query.use_state_after === true) return 'state_after';
  return query['org.matrix.msc4222.use_state_after'] === true ? 'org.matrix.msc4222.state_after' : undefined;
}
