import { jsonObject } from '../../definitions/json.ts';
import { endpoint } from '../../endpoint.ts';

/** `POST /peek/{roomId}/{peekId}/renew` (MSC2444): lets a peek go on. */
export const renewPeekOverFederation = endpoint({
  operation: 'renewPeekOverFederation',
  method: 'POST',
  paths: ['/_matrix/federation/unstable/org.matrix.msc2444/peek/{roomId}/{peekId}/renew'],
  access: 'server',
  limit: 'federation',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
  body: jsonObject,
});
