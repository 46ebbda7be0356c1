import { createContent } from '@hearth/api/client/media/create.ts';
import { uploadContent, uploadContentToMXC } from '@hearth/api/client/media/upload.ts';
import { type Route, route } from '../../http/route.ts';
import { mediaAddress } from '../../media/media-address.ts';
import type { Uploads } from '../../media/uploads.ts';

/** Returns the routes for uploads, also to an id that was reserved before ("Content repository"). */
export function uploadRoutes({ uploads }: { readonly uploads: Uploads }): Route[] {
  return [
    route(uploadContent, async ({ caller, query, body }) => ({
      content_uri: await uploads.upload(caller.user, body, query.filename),
    })),
    route(createContent, async ({ caller }) => {
      const { uri, expiresTs } = await uploads.create(caller.user);
      return { content_uri: uri, unused_expires_at: expiresTs };
    }),
    route(uploadContentToMXC, async ({ caller, params, query, body }) => {
      await uploads.fill(caller.user, mediaAddress(params), body, query.filename);
      return {};
    }),
  ];
}
