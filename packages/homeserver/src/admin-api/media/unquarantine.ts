import { unquarantineMedia } from '@hearth/api/admin/media/unquarantine.ts';
import { type Route, route } from '../../http/route.ts';
import type { Contents } from '../../media/contents.ts';
import { mediaAddress } from '../../media/media-address.ts';

/** Returns the route of `POST /media/unquarantine/{serverName}/{mediaId}`, which lifts a quarantine. */
export function unquarantineRoutes(contents: Contents): Route[] {
  return [
    route(unquarantineMedia, async ({ params }) => {
      await contents.setQuarantined(mediaAddress(params), false);
      return {};
    }),
  ];
}
