import { forbidden, unauthorized } from '@hearth/protocol/errors.ts';
import type { ServerName } from '@hearth/protocol/identifiers/server-name.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { parseAuthorization, type RequestAuthorization, verifyRequest } from '@hearth/protocol/signing/request.ts';
import type { Clock } from '../platform/clock.ts';
import type { Destinations } from './client/destinations.ts';
import type { BeforeFetch, KeyRing } from './keys/key-ring.ts';
import type { OwnKeys } from './keys/own-keys.ts';
import { isValidNow } from './keys/valid-now.ts';
import type { Permits } from './permits.ts';

/** The parts of a request that its signature covers. */
interface ReceivedRequest {
  readonly method: string;
  readonly uri: string;
  readonly content: JsonObject | undefined;
  readonly countFetch: BeforeFetch;
}

export interface AuthenticationParts {
  readonly ownKeys: OwnKeys;
  readonly keyRing: Pick<KeyRing, 'find'>;
  readonly permits: Permits;
  readonly destinations: Destinations;
  readonly clock: Clock;
}

/** Servers sign with each of their keys, of which they have one or two. */
const SIGNATURES_MAX = 4;
/** A proxy may join the values of repeated headers. */
const JOINED = /,\s*(?=X-Matrix\s)/i;

/**
 * Returns a function that authenticates requests of other servers (server-server API, "Request Authentication"). One
 * valid signature by a current key of the origin is enough. An authenticated request is a sign of life of its origin.
 */
export function authenticateServerBy({ ownKeys, keyRing, permits, destinations, clock }: AuthenticationParts) {
  const accept = isValidNow(clock);
  return (headers: readonly string[]) => {
    const authorizations = candidates(headers, ownKeys.serverName);
    const [first] = authorizations;
    if (first === undefined) throw unauthorized('The request has no valid X-Matrix authorization for this server');
    const { origin } = first;
    if (!permits.allows(origin)) throw forbidden(`This server does not federate with ${origin}`);
    return async ({ method, uri, content, countFetch }: ReceivedRequest): Promise<ServerName> => {
      const request = { method, uri, origin, destination: ownKeys.serverName, content };
      for (const authorization of authorizations) {
        const key = await keyRing.find(origin, authorization.keyId, accept, countFetch);
        if (key === undefined || !verifyRequest(request, authorization, key)) continue;
        destinations.alive(origin);
        return origin;
      }
      throw unauthorized(`The request has no valid signature of ${origin}`);
    };
  };
}

/** Returns the signatures of one other server for this server. Servers of old versions name no destination. */
function candidates(headers: readonly string[], ownName: ServerName): RequestAuthorization[] {
  const parsed = headers
    .flatMap((header) => header.split(JOINED))
    .flatMap((header) => parseAuthorization(header) ?? []);
  const forUs = parsed.filter(({ origin, destination = ownName }) => origin !== ownName && destination === ownName);
  return forUs.filter(({ origin }) => origin === forUs[0]?.origin).slice(0, SIGNATURES_MAX);
}
