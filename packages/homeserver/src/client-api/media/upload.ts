import { uploadContent, uploadContentToMXC } from '@hearth/api/client/media/upload.ts';
import { type Route, route } from '../../http/route.ts';
import { mediaAddress } from '../../media/media-address.ts';
import type { Uploads } from '../../media/uploads.ts';

/** Returns the routes of `/media/upload` (client-server API, "Content repository"). */
export function mediaUploadRoutes(uploads: Uploads): Route[] {
  return [
    route(uploadContent, async ({ caller, query, body }) => ({
      content_uri: await uploads.upload(caller.user, body, query.filename),
    })),
    route(uploadContentToMXC, async ({ caller, params, query, body }) => {
      await uploads.fill(caller.user, mediaAddress(params), body, query.filename);
      return {};
    }),
  ];
}
