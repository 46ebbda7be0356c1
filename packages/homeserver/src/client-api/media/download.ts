import {
  getContent,
  getContentAuthed,
  getContentOverrideName,
  getContentOverrideNameAuthed,
} from '@hearth/api/client/media/download.ts';
import { type FileReply, type Route, route } from '../../http/route.ts';
import type { Blobs } from '../../media/blobs/blobs.ts';
import type { Asked, Contents } from '../../media/contents.ts';
import { cleanFileName } from '../../media/file-name.ts';
import { mediaAddress } from '../../media/media-address.ts';
import { fileReply } from './file-reply.ts';

interface Address {
  readonly serverName: string;
  readonly mediaId: string;
  /** Instead of the name that the content was uploaded with. */
  readonly fileName?: string;
}

/** Downloads, with a token and by the paths from before there was one ("Content repository"). */
export function downloadRoutes({ contents, blobs }: { readonly contents: Contents; readonly blobs: Blobs }): Route[] {
  const download = async (address: Address, asked: Asked): Promise<FileReply> => {
    const content = await contents.find(mediaAddress(address), asked);
    const fileName = address.fileName === undefined ? content.fileName : cleanFileName(address.fileName);
    return fileReply(blobs.store, { ...content, fileName }, asked.hasToken);
  };
  const withToken = { hasToken: true, mayFetch: true };
  return [
    route(getContentAuthed, (call) =>
      download(call.params, { ...withToken, waitMs: call.query.timeout_ms, signal: call.signal }),
    ),
    route(getContentOverrideNameAuthed, (call) =>
      download(call.params, { ...withToken, waitMs: call.query.timeout_ms, signal: call.signal }),
    ),
    route(getContent, ({ params, query, signal }) =>
      download(params, {
        hasToken: false,
        mayFetch: query.allow_remote !== false,
        waitMs: query.timeout_ms,
        signal,
      }),
    ),
    route(getContentOverrideName, ({ params, query, signal }) =>
      download(params, {
        hasToken: false,
        mayFetch: query.allow_remote !== false,
        waitMs: query.timeout_ms,
        signal,
      }),
    ),
  ];
}
