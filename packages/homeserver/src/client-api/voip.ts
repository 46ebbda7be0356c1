import { getRtcTransports, getTurnServer } from '@hearth/api/client/voip.ts';
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
      // An empty object is what clients understand as no TURN server; an error makes some of them repeat the request.
      if (turn === undefined) return {};
      return turnCredentials(turn, caller.userId, clock.now());
    }),
    route(getRtcTransports, () => ({ rtc_transports: rtcTransports(livekitUrl) })),
  ];
}
