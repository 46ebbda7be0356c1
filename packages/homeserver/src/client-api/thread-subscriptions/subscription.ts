import {
  deleteThreadSubscription,
  getThreadSubscription,
  setThreadSubscription,
} from '@hearth/api/client/thread-subscriptions/subscription.ts';
import { type Route, route } from '../../http/route.ts';
import type { ThreadSubscriptions } from '../../thread-subscriptions/thread-subscriptions.ts';

/** Returns the routes of GET, PUT and DELETE `/rooms/{roomId}/thread/{eventId}/subscription` (MSC4306). */
export function threadSubscriptionRoutes(threadSubscriptions: ThreadSubscriptions): Route[] {
  return [
    route(getThreadSubscription, ({ params, caller }) => threadSubscriptions.get(caller.user, params)),
    route(setThreadSubscription, async ({ params, body, caller }) => {
      if (body.automatic === undefined) await threadSubscriptions.subscribe(caller.user, params);
      else await threadSubscriptions.subscribeAutomatically(caller.user, params, body.automatic);
      return {};
    }),
    route(deleteThreadSubscription, async ({ params, caller }) => {
      await threadSubscriptions.unsubscribe(caller.user, params);
      return {};
    }),
  ];
}
