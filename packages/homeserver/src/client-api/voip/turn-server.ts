import { getTurnServer } from '@hearth/api/client/voip/turn-server.ts';
import { type Route, route } from '../../http/route.ts';
import type { Clock } from '../../platform/clock.ts';
import { type TurnSettings, turnCredentials } from '../../voip/turn-credentials.ts';

/** Returns the route of `GET /voip/turnServer` (client-server API, "Voice over IP"). */
export function turnServerRoutes(turn: TurnSettings | undefined, clock: Clock): Route[] {
  return [
    route(getTurnServer, ({ caller }) => {
      // Clients take an empty object to mean that there is no TURN server. An error would make some of them repeat the
      // request.
      if (turn === undefined) return {};
      return turnCredentials(turn, caller.userId, clock.now());
    }),
  ];
}
