import { getContentForServer } from '@hearth/api/federation/media/download.ts';
import { FileReply, type Route, route } from '../../http/route.ts';
import type { Blobs } from '../../media/blobs/blobs.ts';
import type { Contents } from '../../media/contents.ts';
import { multipartFile } from '../../media/remote/multipart-file.ts';

/** Returns the route of `GET /media/download` (server-server API, "Content Repository"). */
export function federatedDownloadRoutes(contents: Contents, blobs: Blobs): Route[] {
  return [
    route(getContentForServer, async (server) => {
      const { params, query } = server;
      const content = await contents.findLocal(params.mediaId, query.timeout_ms, server);
      return new FileReply(multipartFile(blobs.store, content));
    }),
  ];
}
