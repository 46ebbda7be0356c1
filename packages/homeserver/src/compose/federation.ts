import type { Config } from '../config/schema.ts';
import type { RemoteDirectory } from '../directory/remote-directory.ts';
import type { RemoteRooms } from '../directory/remote-rooms.ts';
import type { FollowedUsers } from '../encryption/key-lookup.ts';
import type { RemoteKeys } from '../encryption/remote/remote-keys.ts';
import { isPublicDomain } from '../federation/public-domain.ts';
import type { DestinationList } from '../federation/sending/destination-list.ts';
import type { Route } from '../http/route.ts';
import type { AuthenticateServer } from '../http/signed-request.ts';
import type { RemoteMedia } from '../media/remote-media.ts';
import type { Metrics } from '../platform/monitoring/metrics.ts';
import type { RemoteProfiles } from '../profile/remote-profiles.ts';
import type { RemoteMemberships } from '../rooms/membership/remote-memberships.ts';
import type { PeekRequests } from '../rooms/peeking/peek-requests.ts';
import type { ServersInRooms } from '../rooms/remote/servers-in-room.ts';
import type { RelatedHistory } from '../timeline/event-relationships.ts';
import type { OlderHistory } from '../timeline/history.ts';
import type { EventsByTime } from '../timeline/readable-events.ts';
import type { RemoteDevices } from '../to-device/remote-devices.ts';
import type { Base } from './base.ts';
import type { Domains } from './domains.ts';
import type { Machine } from './machine.ts';

/** The objects that federation is built on. */
export type FederationBase = Pick<Base, 'database' | 'background'> &
  Pick<Machine, 'clock' | 'random' | 'log' | 'dns' | 'network'> & { readonly metrics: Metrics };

/** The objects of federation that other parts of the server use. */
export interface Federation {
  /** The routes of the folder `federation`. */
  readonly routes: readonly Route[];
  readonly profiles: RemoteProfiles;
  readonly directory: RemoteDirectory;
  readonly rooms: RemoteRooms;
  readonly keys: RemoteKeys;
  readonly followedKeys: FollowedUsers;
  readonly media: RemoteMedia;
  readonly toDevice: RemoteDevices;
  readonly memberships: RemoteMemberships;
  readonly peeks: PeekRequests;
  readonly history: OlderHistory;
  readonly timestamps: EventsByTime;
  readonly relationships: RelatedHistory;
  readonly destinationList: DestinationList;
  readonly servers: ServersInRooms;
  readonly authenticateServer: AuthenticateServer;
  close(): Promise<void>;
}

/** Creates federation; returns undefined if the configuration disables it. Its code is loaded only if it is enabled. */
export async function openFederation(
  config: Config,
  base: FederationBase,
  domains: Domains,
): Promise<Federation | undefined> {
  if (!federates(config)) return undefined;
  const { createFederation } = await import('./federation-parts.ts');
  return createFederation(config, base, domains);
}

/** Returns whether the configured server federates. */
export function federates({ federation, server_name }: Config): boolean {
  return federation.enabled ?? isPublicDomain(server_name);
}
