import { limitExceeded, notFound, notYetUploaded, unknown } from '@hearth/protocol/errors.ts';
import { FederationError } from '../../federation/client/federation-error.ts';
import { remoteFailure } from '../../federation/client/remote-failure.ts';
import { NoSlot } from '../../platform/concurrency/slots.ts';
import { OutboundError } from '../../platform/outbound/reply.ts';

const RETRY_MS = 1_000;

/** Returns the error for a client whose content could not be fetched. Other errors are returned unchanged. */
export function mediaFailure(error: unknown, server: string): unknown {
  if (error instanceof NoSlot) return limitExceeded(RETRY_MS, `Too many downloads from ${server} are in progress`);
  if (error instanceof OutboundError) return unknown(`${server} has not sent the file`, 502);
  if (!(error instanceof FederationError) || error.kind !== 'refused') return remoteFailure(error, server);
  if (error.errcode === 'M_NOT_YET_UPLOADED') return notYetUploaded();
  return error.status === 404 ? notFound() : unknown(`${server} has refused the download`, 502);
}
