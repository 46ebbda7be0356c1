import { getRoomSummary } from '@hearth/api/client/directory/room-summary.ts';
import { notFound } from '@hearth/protocol/errors.ts';
import type { RoomDirectory } from '../../directory/room-directory.ts';
import { mayKnow, type SummaryDeps } from '../../directory/room-summaries.ts';
import { type Caller, type Route, route } from '../../http/route.ts';

/** Returns the route of `GET /room_summary/{roomIdOrAlias}`. */
export function roomSummaryRoutes(deps: SummaryDeps & { readonly directory: RoomDirectory }): Route[] {
  return [route(getRoomSummary, ({ params, caller }) => summaryOf(deps, params.roomIdOrAlias, caller))];
}

async function summaryOf(
  deps: SummaryDeps & { readonly directory: RoomDirectory },
  idOrAlias: string,
  caller: Caller | undefined,
) {
  const num = idOrAlias.startsWith('#')
    ? (await deps.directory.resolve(idOrAlias)).num
    : await deps.names.find(idOrAlias);
  const summary = num === undefined ? undefined : await deps.summaries.one(num);
  if (summary === undefined || !(await mayKnow(deps, summary, caller?.user))) throw notFound('There is no such room');
  const row = caller === undefined ? undefined : await deps.userRooms.one(caller.user, summary.row.num);
  const membership = caller === undefined ? {} : { membership: row?.membership ?? 'leave' };
  return { ...summary.entry, ...summary.more, ...membership };
}
