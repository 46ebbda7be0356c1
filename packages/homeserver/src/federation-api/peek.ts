import { endPeekOverFederation, peekOverFederation } from '@hearth/api/federation/peek.ts';
import { jsonAnswer, type Route, route } from '../http/route.ts';
import type { ServedPeeks } from '../rooms/peeking/served-peeks.ts';

/** Returns the routes of `PUT` and `DELETE /peek/{roomId}/{peekId}` (MSC2444). */
export function servedPeekRoutes(peeks: ServedPeeks): Route[] {
  return [
    route(peekOverFederation, async ({ origin, params, query: { ver } }) =>
      jsonAnswer(await peeks.begin({ server: origin, ...params }, ver ?? ['1'])),
    ),
    route(endPeekOverFederation, async ({ origin, params }) => {
      await peeks.end({ server: origin, ...params });
      return {};
    }),
  ];
}
