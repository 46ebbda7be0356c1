import { jsonObject } from '../../definitions/json.ts';
import { endpoint, federationV1 } from '../../endpoint.ts';

/** `PUT /exchange_third_party_invite/{roomId}`: an invite of the user to whom an invited identifier belongs. */
export const exchangeThirdPartyInvite = endpoint({
  operation: 'exchangeThirdPartyInvite',
  method: 'PUT',
  paths: federationV1('/exchange_third_party_invite/{roomId}'),
  access: 'server',
  limit: 'federation',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
  body: jsonObject,
});
