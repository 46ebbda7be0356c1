import { getContentThumbnail, getContentThumbnailAuthed } from '@hearth/api/client/media/thumbnail.ts';
import { type FileReply, type Route, route } from '../../http/route.ts';
import type { Blobs } from '../../media/blobs/blobs.ts';
import type { Contents, MediaRequest } from '../../media/contents.ts';
import { mediaAddress } from '../../media/media-address.ts';
import { thumbnailName } from '../../media/thumbnails/thumbnail-name.ts';
import type { Thumbnails } from '../../media/thumbnails/thumbnails.ts';
import { fileReply } from '../support/file-reply.ts';

interface Query {
  readonly width: number;
  readonly height: number;
  readonly method?: 'crop' | 'scale' | undefined;
  readonly animated?: boolean | undefined;
  readonly timeout_ms?: number | undefined;
}

/**
 * Returns the routes of `GET /media/thumbnail`, with a token and by the deprecated paths (client-server API,
 * "Thumbnails").
 */
export function thumbnailRoutes(contents: Contents, thumbnails: Thumbnails, blobs: Blobs): Route[] {
  const thumbnail = async (
    address: { readonly serverName: string; readonly mediaId: string },
    { width, height, method = 'scale', animated = false, timeout_ms }: Query,
    asked: Omit<MediaRequest, 'waitMs'>,
  ): Promise<FileReply> => {
    const content = await contents.find(mediaAddress(address), { ...asked, waitMs: timeout_ms });
    const made = await thumbnails.get(content, { width, height, method, animated });
    return fileReply(blobs.store, { ...made, fileName: thumbnailName(made.contentType) }, asked.hasToken);
  };
  return [
    route(getContentThumbnailAuthed, (client) =>
      thumbnail(client.params, client.query, { hasToken: true, mayFetch: true, client }),
    ),
    route(getContentThumbnail, (client) => {
      const { allow_remote: mayFetch = true } = client.query;
      return thumbnail(client.params, client.query, { hasToken: false, mayFetch, client });
    }),
  ];
}
