import { registrationTokenValidity } from '@hearth/api/client/register/validity.ts';
import { type Route, route } from '../../http/route.ts';
import type { Registrations } from '../../users/registration/registration.ts';

/**
 * Returns the route of `GET /register/m.login.registration_token/validity` (client-server API, "Account
 * registration").
 */
export function registrationTokenValidityRoutes(registrations: Registrations): Route[] {
  return [
    route(registrationTokenValidity, async ({ query }) => ({ valid: await registrations.isTokenValid(query.token) })),
  ];
}
