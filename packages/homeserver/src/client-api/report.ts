import { reportEvent, reportRoom, reportUser } from '@hearth/api/client/report.ts';
import { type Route, route } from '../http/route.ts';
import type { Reports } from '../reports/reports.ts';

/**
 * Returns the routes of `POST /rooms/{roomId}/report/{eventId}`, `POST /rooms/{roomId}/report` and `POST
 * /users/{userId}/report` (client-server API, "Reporting Content").
 */
export function reportRoutes(reports: Reports): Route[] {
  return [
    route(reportEvent, async ({ params, body, caller }) => {
      const complaint = { user: caller.user, reason: body.reason ?? '', score: body.score };
      await reports.reportEvent(complaint, params.roomId, params.eventId);
      return {};
    }),
    route(reportRoom, async ({ params, body, caller }) => {
      await reports.reportRoom({ user: caller.user, reason: body.reason }, params.roomId);
      return {};
    }),
    route(reportUser, async ({ params, body, caller }) => {
      await reports.reportUser({ user: caller.user, reason: body.reason }, params.userId);
      return {};
    }),
  ];
}
