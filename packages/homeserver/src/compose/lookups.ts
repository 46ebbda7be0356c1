import type { Config } from '../config/schema.ts';
import { Directories } from '../directory/directories.ts';
import { ProfileLookup } from '../profile/profile-lookup.ts';
import type { Domains } from './domains.ts';
import type { Federation } from './federation.ts';

/** The lookups of profiles and directories on this server and, if it federates, on other servers. */
export type FederatedLookups = ReturnType<typeof lookupsOf>;

export function lookupsOf(
  { server_name: serverName }: Config,
  { userData, directory: { roomDirectory, publicRooms } }: Domains,
  federation: Federation | undefined,
) {
  return {
    profiles: new ProfileLookup(userData.profiles, federation?.profiles, serverName),
    directories: new Directories(serverName, roomDirectory, publicRooms, federation?.directory),
  };
}
