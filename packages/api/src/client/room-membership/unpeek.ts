import { endpoint } from '../../endpoint.ts';

/** `POST /rooms/{roomId}/unpeek` (MSC2753). */
export const unpeekRoom = endpoint({
  operation: 'unpeekRoom',
  method: 'POST',
  paths: ['/_matrix/client/unstable/org.matrix.msc2753/rooms/{roomId}/unpeek'],
  access: 'guest',
  limit: 'join',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});
