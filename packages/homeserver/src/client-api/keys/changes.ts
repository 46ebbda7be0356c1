import { getKeysChanges } from '@hearth/api/client/keys/changes.ts';
import { type Route, route } from '../../http/route.ts';
import { complete } from '../../platform/lookups/lookups.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { DeviceLists } from '../../sync/select/device-lists.ts';
import type { StreamReader } from '../../sync/select/stream-reader.ts';
import { parseSyncToken } from '../../timeline/position.ts';

/** Returns the route of `GET /keys/changes` (client-server API, "Key management API"). */
export function keyChangesRoutes(stream: StreamReader, deviceLists: DeviceLists, names: Names): Route[] {
  return [
    route(getKeysChanges, async ({ caller: { user }, query: { from, to } }) => {
      const since = parseSyncToken(from, 'from').position;
      const { rows, upTo: current } = await stream.point(user);
      const upTo = Math.min(parseSyncToken(to, 'to').position, current);
      const range = stream.range(user, since, { rows, upTo });
      const { changed, left } = await complete((lookups) => deviceLists.news(lookups, user, range));
      const ids = await names.texts([...changed, ...left]);
      const list = (users: ReadonlySet<number>) => [...users].map((other) => ids.get(other) ?? '');
      return { changed: list(changed), left: list(left) };
    }),
  ];
}
