import { getVersions } from '@hearth/api/client/versions.ts';
import { type Route, route } from '../http/route.ts';

/** The versions of the specification that the server supports. */
const VERSIONS = ['r0.0.1', 'r0.1.0', 'r0.2.0', 'r0.3.0', 'r0.4.0', 'r0.5.0', 'r0.6.0', 'r0.6.1'].concat(
  Array.from({ length: 16 }, (_, i) => `v1.${i + 1}`),
);

/** The supported unstable features, by the names that clients look for. */
const UNSTABLE_FEATURES = {
  'org.matrix.simplified_msc3575': true,
  'org.matrix.msc2753': true,
  'org.matrix.msc3391': true,
  'org.matrix.msc4140': true,
  'org.matrix.msc4155': true,
  'org.matrix.msc4354': true,
  'org.matrix.msc4306': true,
  'org.matrix.msc4143': true,
  'uk.half-shot.msc2666.query_mutual_rooms': true,
  'org.matrix.msc3814': true,
};

/** Returns the route of `GET /versions` (client-server API, "API versions"). */
export function versionsRoutes(): Route[] {
  return [route(getVersions, () => ({ versions: VERSIONS, unstable_features: UNSTABLE_FEATURES }))];
}
