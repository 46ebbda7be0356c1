import { via } from '../../definitions/membership.ts';
import { endpoint } from '../../endpoint.ts';

/** `POST /peek/{roomIdOrAlias}` (MSC2753): the room appears under `peek` in `/sync`. */
export const peekRoom = endpoint({
  operation: 'peekRoom',
  method: 'POST',
  paths: ['/_matrix/client/unstable/org.matrix.msc2753/peek/{roomIdOrAlias}'],
  access: 'guest',
  limit: 'join',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: via,
});
