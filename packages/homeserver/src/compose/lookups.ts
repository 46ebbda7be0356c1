import type { Config } from '../config/schema.ts';
import { Directories } from '../directory/directories.ts';
import { Hierarchy } from '../directory/hierarchy.ts';
import { RoomLookup } from '../directory/room-lookup.ts';
import { KeyLookup } from '../encryption/key-lookup.ts';
import { ProfileLookup } from '../profile/profile-lookup.ts';
import type { Domains } from './domains.ts';
import type { Federation } from './federation.ts';

/** The lookups of profiles, directories, rooms and keys on this server and, if it federates, on other servers. */
export type FederatedLookups = ReturnType<typeof lookupsOf>;

export function lookupsOf(
  { server_name: serverName }: Config,
  { base: { names }, userData, encryption, directory }: Domains,
  federation: Federation | undefined,
) {
  const { keyQueries, keyClaims } = encryption;
  const { roomDirectory, publicRooms, knownRooms, summaries } = directory;
  const directories = new Directories(serverName, roomDirectory, publicRooms, federation);
  const remoteRooms = federation?.rooms;
  return {
    profiles: new ProfileLookup(userData.profiles, federation?.profiles, serverName),
    directories,
    hierarchy: new Hierarchy({ names, knownRooms, summaries, remoteRooms }),
    rooms: new RoomLookup({ names, directories, knownRooms, remoteRooms }),
    keys: new KeyLookup(keyQueries, keyClaims, federation?.keys, serverName, federation?.followedKeys),
  };
}
