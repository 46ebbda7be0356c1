import { getLocalAliases } from '@hearth/api/client/directory/aliases.ts';
import { getSpaceHierarchy } from '@hearth/api/client/directory/hierarchy.ts';
import { getPublicRooms, queryPublicRooms } from '@hearth/api/client/directory/public-rooms.ts';
import {
  deleteRoomAlias,
  getRoomIdByAlias,
  getRoomVisibilityOnDirectory,
  setRoomAlias,
  setRoomVisibilityOnDirectory,
} from '@hearth/api/client/directory/room.ts';
import { getRoomSummary } from '@hearth/api/client/directory/room-summary.ts';
import { missingToken, notFound } from '@hearth/protocol/errors.ts';
import { hierarchy } from '../../directory/hierarchy.ts';
import { type PublicRoomsQuery, publicRooms } from '../../directory/public-rooms.ts';
import type { RoomDirectory } from '../../directory/room-directory.ts';
import { mayKnow, type SummaryDeps } from '../../directory/room-summaries.ts';
import { type Caller, type Route, route } from '../../http/route.ts';
import { type AccessDeps, roomAccess } from '../../rooms/access.ts';
import type { Aliases } from '../../rooms/aliases.ts';

export interface DirectoryRouteDeps extends SummaryDeps, AccessDeps {
  readonly directory: RoomDirectory;
  readonly aliases: Aliases;
  readonly serverName: string;
  /** Whether the directory can be read without an account. */
  readonly publicList: boolean;
  readonly userRooms: SummaryDeps['userRooms'];
}

/** Returns the routes for aliases, the room directory, summaries and spaces. */
export function directoryRoutes(deps: DirectoryRouteDeps): Route[] {
  return [...aliasRoutes(deps), ...listRoutes(deps), ...summaryRoutes(deps)];
}

function aliasRoutes(deps: DirectoryRouteDeps): Route[] {
  const { directory } = deps;
  return [
    route(getRoomIdByAlias, async ({ params }) => {
      const head = await directory.resolve(params.roomAlias);
      return { room_id: head.roomId, servers: [deps.serverName] };
    }),
    route(setRoomAlias, async ({ params, body, caller }) => {
      await directory.add(caller, params.roomAlias, body.room_id);
      return {};
    }),
    route(deleteRoomAlias, async ({ params, caller }) => {
      await directory.remove(caller, params.roomAlias);
      return {};
    }),
    route(getLocalAliases, async ({ params, caller }) => {
      const { head } = await roomAccess(deps, params.roomId, caller.user);
      return { aliases: (await deps.aliases.ofRoom(head.num)).map(({ alias }) => alias) };
    }),
  ];
}

function listRoutes(deps: DirectoryRouteDeps): Route[] {
  const list = (query: PublicRoomsQuery, server: string | undefined) => {
    if (server !== undefined && server !== deps.serverName) throw notFound('This server does not federate yet');
    return publicRooms(deps, query);
  };
  return [
    route(getRoomVisibilityOnDirectory, async ({ params }) => {
      const num = await deps.names.find(params.roomId);
      const [row] = num === undefined ? [] : await deps.rooms.load([num]);
      if (row === undefined) throw notFound('There is no such room');
      return { visibility: row.published ? 'public' : 'private' };
    }),
    route(setRoomVisibilityOnDirectory, async ({ params, body, caller }) => {
      await deps.directory.publish(caller, params.roomId, body.visibility === 'public');
      return {};
    }),
    route(getPublicRooms, ({ query, caller }) => {
      if (caller === undefined && !deps.publicList)
        throw missingToken('The room directory is for people with an account');
      return list({ limit: query.limit, since: query.since }, query.server);
    }),
    route(queryPublicRooms, ({ query, body }) => {
      const { filter } = body;
      const roomTypes = filter?.room_types ?? undefined;
      return list({ limit: body.limit, since: body.since, term: filter?.generic_search_term, roomTypes }, query.server);
    }),
  ];
}

function summaryRoutes(deps: DirectoryRouteDeps): Route[] {
  return [
    route(getRoomSummary, ({ params, caller }) => summaryOf(deps, params.roomIdOrAlias, caller)),
    route(getSpaceHierarchy, ({ params, query, caller }) => {
      const { limit, from, max_depth: maxDepth } = query;
      return hierarchy(deps, caller.user, params.roomId, {
        suggestedOnly: query.suggested_only === true,
        limit,
        from,
        maxDepth,
      });
    }),
  ];
}

async function summaryOf(deps: DirectoryRouteDeps, idOrAlias: string, caller: Caller | undefined) {
  const num = idOrAlias.startsWith('#')
    ? (await deps.directory.resolve(idOrAlias)).num
    : await deps.names.find(idOrAlias);
  const summary = num === undefined ? undefined : await deps.summaries.one(num);
  if (summary === undefined || !(await mayKnow(deps, summary, caller?.user))) throw notFound('There is no such room');
  const row = caller === undefined ? undefined : await deps.userRooms.one(caller.user, summary.row.num);
  const membership = caller === undefined ? {} : { membership: row?.membership ?? 'leave' };
  return { ...summary.entry, ...summary.more, ...membership };
}
