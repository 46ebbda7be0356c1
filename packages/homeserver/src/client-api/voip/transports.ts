import { getRtcTransports } from '@hearth/api/client/voip/transports.ts';
import { type Route, route } from '../../http/route.ts';
import { rtcTransports } from '../../voip/rtc-transports.ts';

/** Returns the route of `GET /rtc/transports` (MSC4143). */
export function rtcTransportsRoutes(livekitUrl: string | undefined): Route[] {
  return [route(getRtcTransports, () => ({ rtc_transports: rtcTransports(livekitUrl) }))];
}
