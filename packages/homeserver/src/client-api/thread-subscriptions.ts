import { getThreadSubscriptions } from '@hearth/api/client/thread-subscriptions.ts';
import { type Route, route } from '../http/route.ts';
import type { Stream } from '../storage/engine/stream.ts';
import { parsePos } from '../sync/sliding/connections.ts';
import {
  CHANGES_LIMIT_DEFAULT,
  parseThreadsToken,
  type SubscriptionChangesDeps,
  subscriptionChanges,
} from '../thread-subscriptions/changes.ts';

/** Going back through the threads that the caller follows (MSC4308). */
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

/** Clients have the `pos` that they sent when they were told that there is more. */
function parseTo(to: string): number {
  return to.startsWith('s') ? parsePos(to).position : parseThreadsToken(to, 'to');
}
