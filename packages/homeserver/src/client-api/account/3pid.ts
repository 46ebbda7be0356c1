import { getAccount3PIDs } from '@hearth/api/client/account/3pid.ts';
import { type Route, route } from '../../http/route.ts';

/** Returns the route of `GET /account/3pid`. */
export function threepidRoutes(): Route[] {
  return [
    // Accounts have no addresses yet. Clients request them when they start.
    route(getAccount3PIDs, () => ({ threepids: [] })),
  ];
}
