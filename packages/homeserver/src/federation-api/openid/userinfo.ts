import { exchangeOpenIdToken } from '@hearth/api/federation/openid/userinfo.ts';
import { missingToken, unknownToken } from '@hearth/protocol/errors.ts';
import { type Route, route } from '../../http/route.ts';
import type { OpenIdTokens } from '../../openid/openid-tokens.ts';

/** Returns the route of `GET /openid/userinfo` (server-server API, "OpenID"). */
export function userinfoRoutes(openIdTokens: OpenIdTokens): Route[] {
  return [
    route(exchangeOpenIdToken, async ({ query: { access_token: token } }) => {
      if (token === undefined) throw missingToken();
      const owner = await openIdTokens.owner(token);
      if (owner === undefined) throw unknownToken();
      return { sub: owner };
    }),
  ];
}
