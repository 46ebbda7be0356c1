import type { Endpoint } from '@hearth/api/endpoint.ts';
import { type Access, type RequestOptions, request, type TestReply } from './client.ts';
import { type Peer, signedHeaders } from './peer.ts';

/**
 * Sends a request to an endpoint of `hearth.test`. An endpoint for other servers gets it signed by a peer, any other
 * endpoint from a user.
 */
export function requestEndpoint(
  { access, method }: Endpoint,
  from: { readonly user: Access; readonly peer: Peer },
  path: string,
  options: RequestOptions,
): Promise<TestReply> {
  if (access !== 'server') return request(from.user, method, path, options);
  const headers = signedHeaders(from.peer, 'hearth.test', { method, path, ...options });
  return request({ server: from.user.server }, method, path, { ...options, headers });
}
