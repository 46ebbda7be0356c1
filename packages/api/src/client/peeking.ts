import * as v from 'valibot';
import { endpoint } from '../endpoint.ts';
import { list } from '../query.ts';

const PREFIX = '/_matrix/client/unstable/org.matrix.msc2753';

/** `POST /peek/{roomIdOrAlias}` (MSC2753): the room appears under `peek` in `/sync`. */
export const peekRoom = endpoint({
  operation: 'peekRoom',
  method: 'POST',
  paths: [`${PREFIX}/peek/{roomIdOrAlias}`],
  access: 'guest',
  limit: 'join',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: v.object({ server_name: v.optional(list), via: v.optional(list) }),
});

/** `POST /rooms/{roomId}/unpeek` (MSC2753). */
export const unpeekRoom = endpoint({
  operation: 'unpeekRoom',
  method: 'POST',
  paths: [`${PREFIX}/rooms/{roomId}/unpeek`],
  access: 'guest',
  limit: 'join',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});
