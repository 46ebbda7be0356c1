import type { IncomingBytes } from '@hearth/api/endpoint.ts';
import { type MatrixError, matrixError, notFound } from '@hearth/protocol/errors.ts';
import type { MxcParts } from '@hearth/protocol/identifiers/mxc-uri.ts';

/** A content from another server. */
export interface RemoteFile {
  readonly content: IncomingBytes;
  readonly fileName: string | undefined;
}

/** Fetches media from other servers. */
export interface RemoteMedia {
  /**
   * Fetches a content and returns the result of `store`, which reads it as it arrives. The other server may wait up to
   * `waitMs` for a content that is not uploaded yet.
   * @throws MatrixError M_NOT_FOUND, M_NOT_YET_UPLOADED, M_TOO_LARGE (502), M_UNKNOWN (502); the error of `store`
   */
  fetch<T>(address: MxcParts, waitMs: number, store: (file: RemoteFile) => Promise<T>): Promise<T>;
}

/** The implementation for a server without federation. */
export const noRemoteMedia: RemoteMedia = {
  fetch: () => Promise.reject(notFound('This server does not federate')),
};

/**
 * Returns the error for a content of another server that is too large, which the client has not caused ("Security
 * considerations").
 */
export function tooLargeThere(): MatrixError {
  return matrixError('M_TOO_LARGE', 'The content is too large to serve', { status: 502 });
}
