import { getThreadSubscriptions } from '@hearth/api/client/thread-subscriptions/thread-subscriptions.ts';
import { type Route, route } from '../../http/route.ts';
import type { Stream } from '../../storage/engine/stream.ts';
import { parsePos } from '../../sync/sliding/connections.ts';
import {
  CHANGES_LIMIT_DEFAULT,
  parseThreadsToken,
  type SubscriptionChangesDeps,
  subscriptionChanges,
} from '../../thread-subscriptions/changes.ts';

/** Returns the route of `GET /thread_subscriptions` (MSC4308). */
export function threadSubscriptionsRoutes(deps: SubscriptionChangesDeps & { readonly stream: Stream }): Route[] {
  return [
    route(getThreadSubscriptions, async ({ query: { from, to, limit }, caller }) => {
      const { current } = deps.stream;
      const upTo = from === undefined ? current : Math.min(parseThreadsToken(from, 'from'), current);
      const range = { after: to === undefined ? 0 : parseTo(to), upTo };
      const { content, rest } = await subscriptionChanges(deps, caller.user, range, limit ?? CHANGES_LIMIT_DEFAULT);
      return rest === undefined ? content : { ...content, end: rest };
    }),
  ];
}

/** Parses `to`. Clients send the `pos` of the sync request whose answer was incomplete. */
function parseTo(to: string): number {
  return to.startsWith('s') ? parsePos(to).position : parseThreadsToken(to, 'to');
}
