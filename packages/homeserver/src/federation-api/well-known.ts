import { getServerWellknown } from '@hearth/api/federation/well-known.ts';
import { notFound } from '@hearth/protocol/errors.ts';
import { type Route, route } from '../http/route.ts';

/** Returns the route of `GET /.well-known/matrix/server` (server-server API, "Resolving server names"). */
export function serverWellKnownRoutes(delegateTo: string | undefined): Route[] {
  return [
    route(getServerWellknown, () => {
      if (delegateTo === undefined) throw notFound('This server does not delegate to another host');
      return { 'm.server': delegateTo };
    }),
  ];
}
