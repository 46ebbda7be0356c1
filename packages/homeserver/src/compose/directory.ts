import { KnownRooms } from '../directory/known-rooms.ts';
import { PublicRooms } from '../directory/public-rooms.ts';
import { RoomDirectory } from '../directory/room-directory.ts';
import { RoomSummaries } from '../directory/room-summaries.ts';
import type { Base } from './base.ts';
import type { Rooms } from './rooms.ts';

export type Directory = ReturnType<typeof openDirectory>;

/** Creates the room directory and the summaries of rooms. */
export function openDirectory({ names, stream }: Base, domain: Rooms, onlyAdministratorsPublish: boolean) {
  const { acceptor, aliases, heads, events, states, rooms, userRooms } = domain;
  const summaries = new RoomSummaries({ names, events, states, rooms, stream });
  const knownRooms = new KnownRooms(names, userRooms, summaries);
  return {
    summaries,
    knownRooms,
    publicRooms: new PublicRooms(rooms, summaries),
    roomDirectory: new RoomDirectory({ names, acceptor, aliases, heads, rooms, stream, onlyAdministratorsPublish }),
  };
}
