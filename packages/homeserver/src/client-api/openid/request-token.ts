import { requestOpenIdToken } from '@hearth/api/client/openid/request-token.ts';
import { type Route, route } from '../../http/route.ts';
import type { OpenIdTokens } from '../../openid/openid-tokens.ts';

/** Returns the route of `POST /user/{userId}/openid/request_token` (client-server API, "OpenID"). */
export function openIdTokenRoutes(openIdTokens: OpenIdTokens, serverName: string): Route[] {
  return [
    route(requestOpenIdToken, async ({ params, caller }) => {
      const { token, expiresInMs } = await openIdTokens.issue(caller, params.userId);
      return {
        access_token: token,
        token_type: 'Bearer',
        matrix_server_name: serverName,
        expires_in: Math.floor(expiresInMs / 1000),
      };
    }),
  ];
}
