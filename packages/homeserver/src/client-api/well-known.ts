import { getWellknown } from '@hearth/api/client/well-known.ts';
import { notFound } from '@hearth/protocol/errors.ts';
import { type Route, route } from '../http/route.ts';

/** `GET /.well-known/matrix/client` (client-server API, "Well-known URIs"). */
export function wellKnownRoutes({ publicBaseUrl }: { readonly publicBaseUrl: string | undefined }): Route[] {
  return [
    route(getWellknown, () => {
      if (publicBaseUrl === undefined) throw notFound('This server does not say where it is');
      return { 'm.homeserver': { base_url: publicBaseUrl } };
    }),
  ];
}
