import { defineFilter, getFilter } from '@hearth/api/client/user/filter.ts';
import type { Filters } from '../../filters/filters.ts';
import { RawJson, type Route, route } from '../../http/route.ts';
import { requireSelf } from '../../users/self.ts';

/**
 * Returns the routes of `POST /user/{userId}/filter` and `GET /user/{userId}/filter/{filterId}` (client-server API,
 * "Filtering").
 */
export function filterRoutes(filters: Filters): Route[] {
  return [
    route(defineFilter, async ({ caller, params, body }) => {
      requireSelf(caller, params.userId);
      return { filter_id: await filters.define(caller.user, body) };
    }),
    route(getFilter, async ({ caller, params }) => {
      requireSelf(caller, params.userId);
      return new RawJson(await filters.text(caller.user, params.filterId));
    }),
  ];
}
