import { getVersion } from '@hearth/api/federation/version.ts';
import { type Route, route } from '../http/route.ts';

/** Returns the route of `GET /version` (server-server API, "Server implementation"). */
export function versionRoutes(version: string): Route[] {
  return [route(getVersion, () => ({ server: { name: 'Hearth', version } }))];
}
