import { notFound } from '@hearth/protocol/errors.ts';
import { type MxcParts, mxcParts } from '@hearth/protocol/identifiers/mxc-uri.ts';

/**
 * The server and id of a path. Both are of a narrow grammar, so that neither can ever be a path of files ("Security
 * considerations").
 * @throws MatrixError M_NOT_FOUND: nothing can be at any other address
 */
export function mediaAddress({ serverName, mediaId }: { serverName: string; mediaId: string }): MxcParts {
  const parts = mxcParts(`mxc://${serverName}/${mediaId}`);
  if (parts === undefined) throw notFound('The server name or the media id is not valid');
  return parts;
}
