import { getKeysChanges } from '@hearth/api/client/keys/changes.ts';
import { type Route, route } from '../../http/route.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { Stream } from '../../storage/engine/stream.ts';
import { type DeviceListDeps, deviceListNews } from '../../sync/device-lists.ts';
import { parseSyncToken } from '../../timeline/position.ts';

/** Returns the route of `GET /keys/changes` (client-server API, "Key management API"). */
export function keyChangesRoutes(deps: DeviceListDeps, names: Names, stream: Stream): Route[] {
  return [
    route(getKeysChanges, async ({ caller, query: { from, to } }) => {
      const since = parseSyncToken(from, 'from').position;
      const upTo = Math.min(parseSyncToken(to, 'to').position, stream.current);
      const rows = await deps.userRooms.of(caller.user);
      const { changed, left } = await deviceListNews(deps, caller.user, rows, { since, upTo });
      const ids = await names.texts([...changed, ...left]);
      const list = (users: ReadonlySet<number>) => [...users].map((user) => ids.get(user) ?? '');
      return { changed: list(changed), left: list(left) };
    }),
  ];
}
