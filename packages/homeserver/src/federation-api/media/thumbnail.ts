import { getContentThumbnailForServer } from '@hearth/api/federation/media/thumbnail.ts';
import { FileReply, type Route, route } from '../../http/route.ts';
import type { Blobs } from '../../media/blobs/blobs.ts';
import type { Contents } from '../../media/contents.ts';
import { multipartFile } from '../../media/remote/multipart-file.ts';
import { thumbnailName } from '../../media/thumbnails/thumbnail-name.ts';
import type { Thumbnails } from '../../media/thumbnails/thumbnails.ts';

/** Returns the route of `GET /media/thumbnail` (server-server API, "Content Repository"). */
export function federatedThumbnailRoutes(contents: Contents, thumbnails: Thumbnails, blobs: Blobs): Route[] {
  return [
    route(getContentThumbnailForServer, async (server) => {
      const { width, height, method = 'scale', animated = false, timeout_ms } = server.query;
      const content = await contents.findLocal(server.params.mediaId, timeout_ms, server);
      const made = await thumbnails.get(content, { width, height, method, animated });
      return new FileReply(multipartFile(blobs.store, { ...made, fileName: thumbnailName(made.contentType) }));
    }),
  ];
}
