import type { Branded } from './brand.ts';
import { parseServerName, type ServerName } from './server-name.ts';

/** `mxc://server/mediaId` (client-server API, "Content repository", "Matrix Content (mxc://) URIs"). */
export type MxcUri = Branded<'MxcUri'>;

/** The two parts of an mxc URI. */
export interface MxcParts {
  server: ServerName;
  mediaId: string;
}

const MXC = /^mxc:\/\/([^/]+)\/([A-Za-z0-9_-]{1,255})$/;

/** Parses an mxc URI, or undefined. The media id is `A-Za-z0-9_-`, so that it can never be a path. */
export function parseMxcUri(text: string): MxcUri | undefined {
  return mxcParts(text) === undefined ? undefined : (text as MxcUri);
}

/** The server and media id of an mxc URI, or undefined when the text is not one. */
export function mxcParts(text: string): MxcParts | undefined {
  const [, host, mediaId] = MXC.exec(text) ?? [];
  if (host === undefined || mediaId === undefined) return undefined;
  const server = parseServerName(host);
  return server === undefined ? undefined : { server, mediaId };
}

/** The URI of a media id on a server, or undefined when the media id is not of the grammar. */
export function mxcUri(server: ServerName, mediaId: string): MxcUri | undefined {
  return parseMxcUri(`mxc://${server}/${mediaId}`);
}
