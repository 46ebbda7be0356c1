import * as v from 'valibot';
import { jsonObject } from '../../definitions/json.ts';
import { endpoint, federationV1 } from '../../endpoint.ts';

/** `PUT /3pid/onbind`: the invites of a third-party identifier that now belongs to a user of this server. */
export const onBindThirdPartyIdentifier = endpoint({
  operation: 'onBindThirdPartyIdentifier',
  method: 'PUT',
  paths: federationV1('/3pid/onbind'),
  access: 'none',
  limit: 'invite',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
  body: v.object({
    medium: v.string(),
    address: v.string(),
    mxid: v.string(),
    invites: v.array(v.object({ room_id: v.string(), sender: v.string(), signed: jsonObject })),
  }),
});
