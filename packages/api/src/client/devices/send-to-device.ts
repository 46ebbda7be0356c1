import * as v from 'valibot';
import { jsonObject } from '../../definitions/json.ts';
import { endpoint, v3AndUnstable } from '../../endpoint.ts';

/** `PUT /sendToDevice/{eventType}/{txnId}`: message contents by user id and device id; `*` stands for all devices. */
export const sendToDevice = endpoint({
  operation: 'sendToDevice',
  method: 'PUT',
  paths: v3AndUnstable('/sendToDevice/{eventType}/{txnId}'),
  access: 'guest',
  limit: 'keys',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  body: v.object({ messages: jsonObject }),
});
