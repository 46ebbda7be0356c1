import { getServerKey } from '@hearth/api/federation/keys/server.ts';
import type { OwnKeys } from '../../federation/keys/own-keys.ts';
import { type Route, route } from '../../http/route.ts';

/** Returns the route of `GET /_matrix/key/v2/server` (server-server API, "Publishing Keys"). */
export function serverKeyRoutes(ownKeys: OwnKeys): Route[] {
  return [route(getServerKey, () => ownKeys.published())];
}
