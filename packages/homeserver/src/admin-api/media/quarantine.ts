import { quarantineMedia } from '@hearth/api/admin/media/quarantine.ts';
import { type Route, route } from '../../http/route.ts';
import type { Contents } from '../../media/contents.ts';
import { mediaAddress } from '../../media/media-address.ts';

/** Returns the route of `POST /media/quarantine/{serverName}/{mediaId}`, after which nobody may read the media. */
export function quarantineRoutes(contents: Contents): Route[] {
  return [
    route(quarantineMedia, async ({ params }) => {
      await contents.setQuarantined(mediaAddress(params), true);
      return {};
    }),
  ];
}
