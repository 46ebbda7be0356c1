import { getServerKey, getServerKeyById } from '@hearth/api/federation/keys/server.ts';
import type { OwnKeys } from '../../federation/keys/own-keys.ts';
import { type Route, route } from '../../http/route.ts';

/**
 * Returns the routes of `GET /_matrix/key/v2/server` and `GET /_matrix/key/v2/server/{keyId}` (server-server API,
 * "Publishing Keys"). Both list all keys.
 */
export function serverKeyRoutes(ownKeys: OwnKeys): Route[] {
  const published = () => ownKeys.published();
  return [route(getServerKey, published), route(getServerKeyById, published)];
}
