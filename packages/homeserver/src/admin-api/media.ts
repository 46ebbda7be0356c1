import { quarantineMedia } from '@hearth/api/admin/media/quarantine.ts';
import { unquarantineMedia } from '@hearth/api/admin/media/unquarantine.ts';
import { type Route, route } from '../http/route.ts';
import type { Contents } from '../media/contents.ts';
import { mediaAddress } from '../media/media-address.ts';

/** Returns the routes for quarantining media, which nobody may read any more. */
export function mediaAdminRoutes({ contents }: { readonly contents: Contents }): Route[] {
  return [
    route(quarantineMedia, async ({ params }) => {
      await contents.setQuarantined(mediaAddress(params), true);
      return {};
    }),
    route(unquarantineMedia, async ({ params }) => {
      await contents.setQuarantined(mediaAddress(params), false);
      return {};
    }),
  ];
}
