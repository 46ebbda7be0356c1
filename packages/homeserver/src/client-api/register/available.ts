import { checkUsernameAvailability } from '@hearth/api/client/register/available.ts';
import { type Route, route } from '../../http/route.ts';
import type { Registrations } from '../../users/registration/registration.ts';

/** Returns the route of `GET /register/available` (client-server API, "Account registration"). */
export function usernameAvailableRoutes(registrations: Registrations): Route[] {
  return [
    route(checkUsernameAvailability, async ({ query }) => {
      await registrations.checkAvailable(query.username);
      return { available: true };
    }),
  ];
}
