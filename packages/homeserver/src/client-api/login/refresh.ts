import { refresh } from '@hearth/api/client/login/refresh.ts';
import { type Route, route } from '../../http/route.ts';
import type { Sessions } from '../../users/sessions/sessions.ts';
import { tokenReply } from '../support/session-reply.ts';

/** Returns the route of `POST /refresh` (client-server API, "Refreshing access tokens"). */
export function refreshRoutes(sessions: Sessions): Route[] {
  return [route(refresh, async ({ body }) => tokenReply(await sessions.refresh(body.refresh_token)))];
}
