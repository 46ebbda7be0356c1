import { slidingSync as slidingSyncEndpoint } from '@hearth/api/client/sliding-sync.ts';
import { RawJson, type Route, route } from '../http/route.ts';
import { parsePos } from '../sync/sliding/connections.ts';
import { type SlidingSyncDeps, slidingSync } from '../sync/sliding/sliding-sync.ts';

/** A request waits no longer than this, whatever it asks for: proxies give up before. */
const TIMEOUT_MS_MAX = 5 * 60_000;

/** `POST /sync` in its simplified sliding form (MSC4186). */
export function slidingSyncRoutes(deps: SlidingSyncDeps): Route[] {
  return [
    route(slidingSyncEndpoint, async (call) => {
      const { query, body, caller } = call;
      const text = await slidingSync(deps, {
        user: caller.user,
        userId: caller.userId,
        device: caller.device,
        pos: query.pos === undefined ? undefined : parsePos(query.pos),
        body,
        presence: query.set_presence ?? 'online',
        timeoutMs: Math.min(query.timeout ?? 0, TIMEOUT_MS_MAX),
        signal: () => call.signal,
      });
      return new RawJson(text);
    }),
  ];
}
