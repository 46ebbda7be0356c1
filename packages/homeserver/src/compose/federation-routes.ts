import manifest from '../../package.json' with { type: 'json' };
import type { Config } from '../config/schema.ts';
import type { Notary } from '../federation/keys/notary.ts';
import type { OwnKeys } from '../federation/keys/own-keys.ts';
import type { ReceivedEdus } from '../federation/receiving/received-edus.ts';
import { keyQueryRoutes } from '../federation-api/keys/query.ts';
import { serverKeyRoutes } from '../federation-api/keys/server.ts';
import { federatedDownloadRoutes } from '../federation-api/media/download.ts';
import { federatedThumbnailRoutes } from '../federation-api/media/thumbnail.ts';
import { userinfoRoutes } from '../federation-api/openid/userinfo.ts';
import { renewPeekRoutes } from '../federation-api/peek/renew.ts';
import { servedPeekRoutes } from '../federation-api/peek.ts';
import { federatedPublicRoomsRoutes } from '../federation-api/public-rooms.ts';
import { queryDirectoryRoutes } from '../federation-api/query/directory.ts';
import { queryProfileRoutes } from '../federation-api/query/profile.ts';
import { sendTransactionRoutes } from '../federation-api/send.ts';
import { userDevicesRoutes } from '../federation-api/user/devices.ts';
import { userKeyClaimRoutes } from '../federation-api/user/keys/claim.ts';
import { userKeyQueryRoutes } from '../federation-api/user/keys/query.ts';
import { versionRoutes } from '../federation-api/version.ts';
import { serverWellKnownRoutes } from '../federation-api/well-known.ts';
import type { Route } from '../http/route.ts';
import type { ServedPeeks } from '../rooms/peeking/served-peeks.ts';
import type { Domains } from './domains.ts';
import type { FederationBase } from './federation.ts';
import type { FederatedRooms } from './federation-rooms.ts';
import { type MemberParts, type Serving, servingRoutes } from './federation-serving.ts';

/** The objects of federation that the requests of other servers reach. */
interface RouteParts {
  readonly notary: Notary;
  readonly ownKeys: OwnKeys;
  readonly shared: FederatedRooms & MemberParts;
  readonly serving: Serving;
  readonly peeks: ServedPeeks;
  readonly edus: ReceivedEdus;
}

/** Returns the routes of the folder `federation`. */
export function federationRoutes(
  config: Config,
  base: Pick<FederationBase, 'clock' | 'log'>,
  domains: Domains,
  { notary, ownKeys, shared, serving, peeks, edus }: RouteParts,
): Route[] {
  const { contents, thumbnails, blobs } = domains.media;
  const { deviceListReader, keyClaims, keyQueries } = domains.encryption;
  const { delegate_to: delegateTo, show_device_names: showsDeviceNames } = config.federation;
  const { publicRooms, roomDirectory } = domains.directory;
  return [
    ...keyQueryRoutes(notary),
    ...serverKeyRoutes(ownKeys),
    ...federatedDownloadRoutes(contents, blobs),
    ...federatedThumbnailRoutes(contents, thumbnails, blobs),
    ...userinfoRoutes(domains.services.openIdTokens),
    ...servedPeekRoutes(peeks),
    ...renewPeekRoutes(peeks),
    ...federatedPublicRoomsRoutes(publicRooms, config.room_directory.public_list),
    ...queryDirectoryRoutes(roomDirectory, shared.servers),
    ...queryProfileRoutes(domains.userData.profiles),
    ...servingRoutes(config, base, domains, shared, serving),
    ...sendTransactionRoutes(shared.staging, edus, shared.peekRequests),
    ...userDevicesRoutes(deviceListReader, showsDeviceNames),
    ...userKeyClaimRoutes(keyClaims, ownKeys.serverName),
    ...userKeyQueryRoutes(keyQueries, ownKeys.serverName, showsDeviceNames),
    ...versionRoutes(manifest.version),
    ...serverWellKnownRoutes(delegateTo),
  ];
}
