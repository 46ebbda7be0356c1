import type { IncomingBytes } from '@hearth/api/endpoint.ts';
import { notFound } from '@hearth/protocol/errors.ts';
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
   * @throws MatrixError M_NOT_FOUND, M_NOT_YET_UPLOADED, M_UNKNOWN (502); the error of `store`
   */
  fetch<T>(address: MxcParts, waitMs: number, store: (file: RemoteFile) => Promise<T>): Promise<T>;
}

/** The implementation for a server without federation. */
export const noRemoteMedia: RemoteMedia = {
  fetch: () => Promise.reject(notFound('This server does not federate')),
};
