import * as v from 'valibot';
import { endpoint, v1 } from '../../endpoint.ts';
import { list } from '../../query.ts';

/** `GET /room_summary/{roomIdOrAlias}`, with the paths from before it was specified. */
export const getRoomSummary = endpoint({
  operation: 'getRoomSummary',
  method: 'GET',
  paths: [
    ...v1('/room_summary/{roomIdOrAlias}'),
    '/_matrix/client/unstable/im.nheko.summary/summary/{roomIdOrAlias}',
    '/_matrix/client/unstable/im.nheko.summary/rooms/{roomIdOrAlias}/summary',
  ],
  access: 'optional',
  limit: 'search',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: v.object({ via: v.optional(list) }),
});
