import type { Config } from '../config/schema.ts';
import { Directories } from '../directory/directories.ts';
import { KeyLookup } from '../encryption/key-lookup.ts';
import { ProfileLookup } from '../profile/profile-lookup.ts';
import type { Domains } from './domains.ts';
import type { Federation } from './federation.ts';

/** The lookups of profiles, directories and keys on this server and, if it federates, on other servers. */
export type FederatedLookups = ReturnType<typeof lookupsOf>;

export function lookupsOf(
  { server_name: serverName }: Config,
  { userData, encryption, directory: { roomDirectory, publicRooms } }: Domains,
  federation: Federation | undefined,
) {
  const { keyQueries, keyClaims } = encryption;
  return {
    profiles: new ProfileLookup(userData.profiles, federation?.profiles, serverName),
    directories: new Directories(serverName, roomDirectory, publicRooms, federation?.directory),
    keys: new KeyLookup(keyQueries, keyClaims, federation?.keys, serverName),
  };
}
