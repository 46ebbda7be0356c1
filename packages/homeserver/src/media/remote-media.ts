import type { IncomingBytes } from '@hearth/api/endpoint.ts';
import { notFound } from '@hearth/protocol/errors.ts';
import type { MxcParts } from '@hearth/protocol/identifiers/mxc-uri.ts';

/** A content as another server sends it. */
export interface RemoteFile {
  readonly content: IncomingBytes;
  readonly fileName: string | undefined;
}

/** Gets media of other servers. */
export interface RemoteMedia {
  /**
   * Asks the server of the address, which may wait so long for a content that is still to come.
   * @throws MatrixError M_NOT_FOUND, M_NOT_YET_UPLOADED
   */
  fetch(address: MxcParts, waitMs: number): Promise<RemoteFile>;
}

/** For a server that speaks to no other. */
export const noRemoteMedia: RemoteMedia = {
  fetch: () => Promise.reject(notFound('This server does not federate yet')),
};
