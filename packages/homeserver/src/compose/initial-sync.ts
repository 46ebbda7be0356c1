import { InitialRooms } from '../sync/initial/initial-rooms.ts';
import { InitialSync } from '../sync/initial/initial-sync.ts';
import { JoinedRooms } from '../sync/initial/joined-rooms.ts';
import { PastRooms } from '../sync/initial/past-rooms.ts';
import { RoomInitialSync } from '../sync/initial/room-initial-sync.ts';
import { UserLists } from '../sync/initial/user-lists.ts';
import type { Base } from './base.ts';
import type { SyncBase, SyncedDomains } from './sync.ts';

/** Creates `/initialSync` and `/rooms/{roomId}/initialSync`. */
export function openInitialSync({ names }: Base, domains: SyncedDomains, shared: SyncBase) {
  const { userData, rooms, activity, timeline } = domains;
  const { heads, events, states } = rooms;
  const { accountData, ignoredUsers } = userData;
  const { presences, receipts } = activity;
  const { latest, renderer, stateTexts, readers, history } = timeline;
  const { reader: stream, invites, roomTimelines: timelines } = shared;
  const lists = new UserLists({ names, presences, receipts, accountData });
  const joined = new JoinedRooms({ events, states, latest, timelines, renderer, stateTexts });
  const past = new PastRooms({ heads, readers, history, renderer, stateTexts });
  const initialRooms = new InitialRooms({ heads, events, renderer, joined, past, lists });
  return {
    initialSync: new InitialSync({ stream, presences, ignoredUsers, invites, rooms: initialRooms, lists }),
    roomInitialSync: new RoomInitialSync({ stream, readers, ignoredUsers, past, lists }),
  };
}
