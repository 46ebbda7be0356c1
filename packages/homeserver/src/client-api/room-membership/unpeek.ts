import { unpeekRoom } from '@hearth/api/client/room-membership/unpeek.ts';
import { type Route, route } from '../../http/route.ts';
import type { Heads } from '../../rooms/heads.ts';
import type { Peeks } from '../../sync/select/peeks.ts';

/** Returns the route of `POST /rooms/{roomId}/unpeek` (MSC2753). */
export function unpeekRoutes(heads: Heads, peeks: Peeks): Route[] {
  return [
    route(unpeekRoom, async ({ params, caller }) => {
      await peeks.end(caller.device, (await heads.get(params.roomId)).num);
      return {};
    }),
  ];
}
