import { notFound } from '@hearth/protocol/errors.ts';
import { type MxcParts, mxcParts } from '@hearth/protocol/identifiers/mxc-uri.ts';

/**
 * Returns the server name and media id of a path. Their grammar is strict, so that neither can be a path of files
 * ("Security considerations").
 * @throws MatrixError M_NOT_FOUND for an invalid server name or media id
 */
export function mediaAddress({ serverName, mediaId }: { serverName: string; mediaId: string }): MxcParts {
  const parts = mxcParts(`mxc://${serverName}/${mediaId}`);
  if (parts === undefined) throw notFound('The server name or the media id is not valid');
  return parts;
}
