import { STANDING } from '../../../packages/homeserver/src/storage/rooms/events/stored-event.ts';
import { Difference, expectSame } from '../difference.ts';
import type { SimServer } from '../sim-server.ts';
import { eventsOf, lastChangeOf } from './room-copy.ts';
import { pathOf, type SharedRoom, type SimUser } from './shared-room.ts';
import type { SyncClient } from './sync-client.ts';

/**
 * Checks that all servers in a room have the same state, that their clients have it too, and that the servers of other
 * users know that these are not in the room. Returns the state as lines of text.
 */
export async function compareStates(
  room: SharedRoom,
  users: readonly SimUser[],
  clients: readonly SyncClient[],
): Promise<string[]> {
  const expected = await stateOf(room, room.creator);
  const members = await membersOf(room, room.creator);
  for (const user of users) {
    const { userId } = user.caller;
    const where = `${room.roomId} (version ${room.version})`;
    const isMember = members.has(userId);
    const isMemberHere = await isIn(room, user);
    if (isMemberHere && !isMember) throw new Difference(`${userId} is in ${where} only for the own server`);
    // If the answer to a join is lost, only the other servers know of it. The user has got an error and may join again.
    if (!isMemberHere) continue;
    const own = await stateOf(room, user);
    expectSame(`state of ${where} for ${userId}`, own, expected);
    const client = clients.find(({ caller }) => caller === user.caller);
    // A client does not get to know that a resolution has removed a key.
    const keys = new Set(own.map(keyOf));
    const seen = (client?.stateOf(room.roomId) ?? []).filter((line) => keys.has(keyOf(line)));
    expectSame(`state of ${where} from /sync for ${userId}`, seen, own);
  }
  return expected;
}

/**
 * Checks that every event that a server has accepted from its users is on every server that was in the room all the
 * time. Returns the number of events and of copies that are soft-failed.
 * @param early the events from before that time
 */
export function compareEvents(
  { roomId, version }: SharedRoom,
  users: readonly SimUser[],
  early: ReadonlySet<string>,
): { readonly events: number; readonly softFailed: number } {
  const all = users.filter(({ isResident }) => isResident);
  // The resolution of states may have removed a resident for a time, as some server knows the states.
  const hasStayed = ({ caller: { userId } }: SimUser) =>
    all.every(({ server: { database } }) => {
      const cause = lastChangeOf(database, roomId, userId);
      return cause === undefined || early.has(cause);
    });
  const residents = all.filter(hasStayed);
  const copies = new Map(residents.map(({ server }) => [server, eventsOf(server.database, roomId)]));
  let events = 0;
  let softFailed = 0;
  for (const user of residents) {
    for (const event of copies.get(user.server)?.values() ?? []) {
      const isOwn = event.sender.endsWith(`:${serverOf(user)}`);
      if (!isOwn || event.standing !== STANDING.accepted || early.has(event.id)) continue;
      events += 1;
      for (const [other, copy] of copies) {
        const standing = copy.get(event.id)?.standing;
        if (standing === STANDING.softFailed) softFailed += 1;
        if (standing === STANDING.accepted || standing === STANDING.softFailed) continue;
        const text = `${event.id} (${event.type} of ${event.sender}) in ${roomId} (version ${version})`;
        throw new Difference(`${text} is ${standing ?? 'missing'} on ${nameOf(other, users)}`);
      }
    }
  }
  return { events, softFailed };
}

export function serverOf({ caller: { userId } }: SimUser): string {
  return userId.slice(userId.indexOf(':') + 1);
}

export function nameOf(server: SimServer, users: readonly SimUser[]): string {
  const user = users.find((one) => one.server === server);
  return user === undefined ? 'a server' : serverOf(user);
}

/** Returns the type and the state key in a line about a state event. */
function keyOf(line: string): string {
  return line.slice(0, line.lastIndexOf(' '));
}

/** Returns the state that a server shows to a member. */
async function stateOf(room: SharedRoom, user: SimUser): Promise<string[]> {
  const events = (await get(user, `${pathOf(room.roomId)}/state`)) as StateEvent[];
  return events.map(({ type, state_key: key, event_id: eventId }) => `${type} ${key} ${eventId}`).sort();
}

interface StateEvent {
  readonly type: string;
  readonly state_key: string;
  readonly event_id: string;
}

async function membersOf(room: SharedRoom, user: SimUser): Promise<Set<string>> {
  const { joined } = (await get(user, `${pathOf(room.roomId)}/joined_members`)) as { joined: object };
  return new Set(Object.keys(joined));
}

/** Returns whether the own server of a user considers the user a member. */
async function isIn({ roomId }: SharedRoom, user: SimUser): Promise<boolean> {
  const { joined_rooms: rooms } = (await get(user, '/joined_rooms')) as { joined_rooms: string[] };
  return rooms.includes(roomId);
}

async function get({ server, caller }: SimUser, path: string): Promise<unknown> {
  const { status, json } = await server.call(caller, 'GET', path);
  if (status !== 200) throw new Difference(`GET ${path} answers ${status} to ${caller.userId}`);
  return json;
}
