import { setTyping } from '@hearth/api/client/rooms/typing.ts';
import { type Route, route } from '../../http/route.ts';
import type { TypingNotices } from '../../typing/typing.ts';
import { requireSelf } from '../../users/self.ts';

/** Returns the route of `PUT /rooms/{roomId}/typing/{userId}` (client-server API, "Typing Notifications"). */
export function typingRoutes(typing: TypingNotices): Route[] {
  return [
    route(setTyping, async ({ caller, params, body }) => {
      requireSelf(caller, params.userId);
      await typing.set(caller.user, params.roomId, body.typing, body.timeout);
      return {};
    }),
  ];
}
