import * as v from 'valibot';
import { endpoint, v1, v3, v3AndLegacy } from '../../endpoint.ts';
import { flag, list, natural } from '../../query.ts';

/** `GET /directory/room/{roomAlias}`. */
export const getRoomIdByAlias = endpoint({
  operation: 'getRoomIdByAlias',
  method: 'GET',
  paths: v3AndLegacy('/directory/room/{roomAlias}'),
  access: 'none',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
});

/** `PUT /directory/room/{roomAlias}`. */
export const setRoomAlias = endpoint({
  operation: 'setRoomAlias',
  method: 'PUT',
  paths: v3('/directory/room/{roomAlias}'),
  access: 'user',
  limit: 'event',
  whenSuspended: 'refused',
  whenLocked: 'refused',
  body: v.object({ room_id: v.string() }),
});

/** `DELETE /directory/room/{roomAlias}`. */
export const deleteRoomAlias = endpoint({
  operation: 'deleteRoomAlias',
  method: 'DELETE',
  paths: v3('/directory/room/{roomAlias}'),
  access: 'user',
  limit: 'event',
  whenSuspended: 'refused',
  whenLocked: 'refused',
});

/** `GET /rooms/{roomId}/aliases`. */
export const getLocalAliases = endpoint({
  operation: 'getLocalAliases',
  method: 'GET',
  paths: v3('/rooms/{roomId}/aliases'),
  access: 'user',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});

/** `GET /directory/list/room/{roomId}`. */
export const getRoomVisibilityOnDirectory = endpoint({
  operation: 'getRoomVisibilityOnDirectory',
  method: 'GET',
  paths: v3('/directory/list/room/{roomId}'),
  access: 'none',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
});

/** `PUT /directory/list/room/{roomId}`. */
export const setRoomVisibilityOnDirectory = endpoint({
  operation: 'setRoomVisibilityOnDirectory',
  method: 'PUT',
  paths: v3('/directory/list/room/{roomId}'),
  access: 'user',
  limit: 'settings',
  whenSuspended: 'refused',
  whenLocked: 'refused',
  body: v.object({ visibility: v.optional(v.picklist(['public', 'private']), 'public') }),
});

/** `GET /publicRooms`. */
export const getPublicRooms = endpoint({
  operation: 'getPublicRooms',
  method: 'GET',
  paths: v3AndLegacy('/publicRooms'),
  access: 'optional',
  limit: 'search',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: v.object({ limit: v.optional(natural), since: v.optional(v.string()), server: v.optional(v.string()) }),
});

/** `POST /publicRooms`. */
export const queryPublicRooms = endpoint({
  operation: 'queryPublicRooms',
  method: 'POST',
  paths: v3('/publicRooms'),
  access: 'user',
  limit: 'search',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: v.object({ server: v.optional(v.string()) }),
  body: v.object({
    limit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))),
    since: v.optional(v.string()),
    filter: v.optional(
      v.object({
        generic_search_term: v.optional(v.string()),
        room_types: v.optional(v.nullable(v.array(v.nullable(v.string())))),
      }),
    ),
    include_all_networks: v.optional(v.boolean()),
    third_party_instance_id: v.optional(v.string()),
  }),
  bodyOptional: true,
});

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

/** `GET /rooms/{roomId}/hierarchy`. */
export const getSpaceHierarchy = endpoint({
  operation: 'getSpaceHierarchy',
  method: 'GET',
  paths: v1('/rooms/{roomId}/hierarchy'),
  access: 'user',
  limit: 'search',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: v.object({
    suggested_only: v.optional(flag),
    limit: v.optional(natural),
    max_depth: v.optional(natural),
    from: v.optional(v.string()),
  }),
});
