import * as v from 'valibot';
import { jsonObject } from '../definitions/json.ts';
import { endpoint } from '../endpoint.ts';
import { list } from '../query.ts';

/** The path of a peek. `peekId` is an id that the peeking server has chosen. */
export const PEEK_PATH = '/_matrix/federation/unstable/org.matrix.msc2444/peek/{roomId}/{peekId}';

/** `PUT /peek/{roomId}/{peekId}` (MSC2444): begins to send the events of a world-readable room to the server. */
export const peekOverFederation = endpoint({
  operation: 'peekOverFederation',
  method: 'PUT',
  paths: [PEEK_PATH],
  access: 'server',
  limit: 'federation',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
  query: v.object({ ver: v.optional(list) }),
  body: jsonObject,
});

/** `DELETE /peek/{roomId}/{peekId}` (MSC2444): ends a peek. */
export const endPeekOverFederation = endpoint({
  operation: 'endPeekOverFederation',
  method: 'DELETE',
  paths: [PEEK_PATH],
  access: 'server',
  limit: 'federation',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
});
