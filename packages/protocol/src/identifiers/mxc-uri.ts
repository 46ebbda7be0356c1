import type { Branded } from './brand.ts';
import { parseServerName, type ServerName } from './server-name.ts';

/** A media URI, A media URI, `mxc://server/mediaId` (client-server API, "Content repository", "Matrix Content (mxc://) URIs"). */
export type MxcUri = Branded<'MxcUri'>;

/** The two parts of an mxc URI. */
export interface MxcParts {
  server: ServerName;
  mediaId: string;
}

const MXC = /^mxc:\/\/([^/]+)\/([A-Za-z0-9_-]{1,255})$/;

/**
 * Parses an mxc URI. Returns undefined for any other text. The media id consists of `A-Za-z0-9_-`, so that it is never
 * a path.
 */
export function parseMxcUri(text: string): MxcUri | undefined {
  return mxcParts(text) === undefined ? undefined : (text as MxcUri);
}

/** Returns the server and media id of an mxc URI, or undefined when the text is not one. */
export function mxcParts(text: string): MxcParts | undefined {
  const [, host, mediaId] = MXC.exec(text) ?? [];
  if (host === undefined || mediaId === undefined) return undefined;
  const server = parseServerName(host);
  return server === undefined ? undefined : { server, mediaId };
}

/** Returns the URI of a media id on a server, or undefined when the media id is malformed. */
export function mxcUri(server: ServerName, mediaId: string): MxcUri | undefined {
  return parseMxcUri(`mxc://${server}/${mediaId}`);
}
