import { getRtcTransports, getTurnServer } from '@hearth/api/client/voip.ts';
import { notFound } from '@hearth/protocol/errors.ts';
import { type Route, route } from '../http/route.ts';
import type { Clock } from '../platform/clock.ts';
import { rtcTransports } from '../voip/rtc-transports.ts';
import { type TurnSettings, turnCredentials } from '../voip/turn-credentials.ts';

/** Getting through to each other in calls (client-server API, "Voice over IP"). */
export function voipRoutes({
  turn,
  livekitUrl,
  clock,
}: {
  readonly turn: TurnSettings | undefined;
  readonly livekitUrl: string | undefined;
  readonly clock: Clock;
}): Route[] {
  return [
    route(getTurnServer, ({ caller }) => {
      // The reply has no form for "none"; clients take an error for it, and an empty list for a fault.
      if (turn === undefined) throw notFound('This server has no TURN servers');
      return turnCredentials(turn, caller.userId, clock.now());
    }),
    route(getRtcTransports, () => ({ rtc_transports: rtcTransports(livekitUrl) })),
  ];
}
