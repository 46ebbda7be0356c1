import { getWellknown } from '@hearth/api/client/well-known.ts';
import { notFound } from '@hearth/protocol/errors.ts';
import { type Route, route } from '../http/route.ts';
import { rtcTransports } from '../voip/rtc-transports.ts';

interface WellKnownSettings {
  readonly publicBaseUrl: string | undefined;
  readonly livekitUrl: string | undefined;
}

/**
 * Returns the route of `GET /.well-known/matrix/client` (client-server API, "Well-known URIs"; transports of group
 * calls: MSC4143).
 */
export function wellKnownRoutes({ publicBaseUrl, livekitUrl }: WellKnownSettings): Route[] {
  const transports = rtcTransports(livekitUrl);
  return [
    route(getWellknown, () => {
      if (publicBaseUrl === undefined) throw notFound('The server has no configured public URL');
      const homeserver = { 'm.homeserver': { base_url: publicBaseUrl } };
      return transports.length === 0 ? homeserver : { ...homeserver, 'org.matrix.msc4143.rtc_foci': transports };
    }),
  ];
}
