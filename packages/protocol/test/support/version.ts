import { type RoomVersion, roomVersion } from '../../src/room-versions/rules.ts';

/** Returns the rules of a room version that a test knows to exist. */
export function version(id: string): RoomVersion {
  const found = roomVersion(id);
  if (found === undefined) throw new Error(`no room version ${id}`);
  return found;
}
