import { createContent } from '@hearth/api/client/media/create.ts';
import { type Route, route } from '../../http/route.ts';
import type { Uploads } from '../../media/uploads.ts';

/** Returns the route of `POST /media/create` (client-server API, "Content repository"). */
export function mediaCreateRoutes(uploads: Uploads): Route[] {
  return [
    route(createContent, async ({ caller }) => {
      const { uri, expiresTs } = await uploads.create(caller.user);
      return { content_uri: uri, unused_expires_at: expiresTs };
    }),
  ];
}
