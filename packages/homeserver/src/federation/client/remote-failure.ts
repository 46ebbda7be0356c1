import { forbidden, type MatrixError, notFound, unknown } from '@hearth/protocol/errors.ts';
import { FederationError } from './federation-error.ts';

/**
 * Returns the error for a client whose request needs another server. The other server decides only between "not found",
 * "forbidden" and everything else; its texts and other codes are not passed on, because a client could take them for
 * those of this server, such as `M_UNKNOWN_TOKEN`. Errors that are not of federation are returned unchanged.
 */
export function remoteFailure(error: unknown, server: string): unknown {
  return error instanceof FederationError ? toMatrixError(error, server) : error;
}

function toMatrixError({ kind, status }: FederationError, server: string): MatrixError {
  if (kind === 'not-permitted') return forbidden(`This server does not federate with ${server}`);
  if (kind === 'refused' && status === 404) return notFound(`${server} has not found this`);
  if (kind === 'refused' && status === 403) return forbidden(`${server} does not permit this`);
  if (kind === 'over-limit') return unknown(`${server} has answered with too much data`, 502);
  if (kind === 'refused') return unknown(`${server} has refused the request`, 502);
  return unknown(`${server} does not answer`, 502);
}
