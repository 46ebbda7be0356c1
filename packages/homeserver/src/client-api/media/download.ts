import {
  getContent,
  getContentAuthed,
  getContentOverrideName,
  getContentOverrideNameAuthed,
} from '@hearth/api/client/media/download.ts';
import { type FileReply, type Route, route } from '../../http/route.ts';
import type { Blobs } from '../../media/blobs/blobs.ts';
import type { Contents, MediaRequest } from '../../media/contents.ts';
import { cleanFileName } from '../../media/file-name.ts';
import { mediaAddress } from '../../media/media-address.ts';
import { fileReply } from '../support/file-reply.ts';

interface Address {
  readonly serverName: string;
  readonly mediaId: string;
  /** A file name that replaces the name of the upload. */
  readonly fileName?: string;
}

/**
 * Returns the routes of `GET /media/download`, with a token and by the deprecated paths (client-server API, "Content
 * repository").
 */
export function downloadRoutes(contents: Contents, blobs: Blobs): Route[] {
  const download = async (address: Address, asked: MediaRequest): Promise<FileReply> => {
    const content = await contents.find(mediaAddress(address), asked);
    const fileName = address.fileName === undefined ? content.fileName : cleanFileName(address.fileName);
    return fileReply(blobs.store, { ...content, fileName }, asked.hasToken);
  };
  const withToken = { hasToken: true, mayFetch: true };
  return [
    route(getContentAuthed, (client) =>
      download(client.params, { ...withToken, waitMs: client.query.timeout_ms, client }),
    ),
    route(getContentOverrideNameAuthed, (client) =>
      download(client.params, { ...withToken, waitMs: client.query.timeout_ms, client }),
    ),
    route(getContent, (client) => {
      const { allow_remote: mayFetch = true, timeout_ms: waitMs } = client.query;
      return download(client.params, { hasToken: false, mayFetch, waitMs, client });
    }),
    route(getContentOverrideName, (client) => {
      const { allow_remote: mayFetch = true, timeout_ms: waitMs } = client.query;
      return download(client.params, { hasToken: false, mayFetch, waitMs, client });
    }),
  ];
}
