import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import { inSlices } from '../../platform/concurrency/in-slices.ts';
import type { Database } from '../../storage/engine/database.ts';
import { readNewestSendable, readRemovals, type SendableEvent } from '../../storage/federation/sendable-events.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import { STANDING, type StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { RoomServers } from '../../storage/rooms/room-servers.ts';
import { membershipOf } from '../events/effects.ts';
import type { Heads } from '../heads.ts';
import type { ServersInRooms } from '../remote/servers-in-room.ts';
import type { OutgoingTexts } from './outgoing-texts.ts';

interface OutgoingEventsParts {
  readonly database: Database;
  readonly heads: Heads;
  readonly events: EventStore;
  readonly roomServers: RoomServers;
  readonly servers: ServersInRooms;
  readonly texts: OutgoingTexts;
  readonly serverName: string;
}

/** The positions `after < position <= upTo` of the stream. */
interface StreamRange {
  readonly after: number;
  readonly upTo: number;
}

const NO_SERVERS: readonly string[] = [];
/** The number of rooms that one query examines. */
const ROOMS_AT_ONCE = 20;

/** The events that other servers get from this one: those of its own users, and those that it passes on. */
export class OutgoingEvents {
  readonly #parts: OutgoingEventsParts;
  readonly #domain: string;

  constructor(parts: OutgoingEventsParts) {
    this.#parts = parts;
    this.#domain = `:${parts.serverName}`;
  }

  /** Returns whether a user of this server has sent an event, and the event is in the timeline of its room. */
  isOwn({ sender, standing, seq }: StoredEvent): boolean {
    const isHere = sender.endsWith(this.#domain) && domainOf(sender) === this.#parts.serverName;
    return isHere && standing === STANDING.accepted && seq !== null;
  }

  /**
   * Returns the other servers that get an event: those in the room now, and the server of a user whom the event removes
   * from the room. The server that has sent the event does not get it. The join by which this server came into the room
   * was sent by the server that helped with it.
   */
  serversFor(event: StoredEvent): readonly string[] | Promise<readonly string[]> {
    const present = this.#parts.heads.cached(event.room)?.servers;
    return present === undefined ? this.#load(event) : this.#others(event, present);
  }

  async #load(event: StoredEvent): Promise<readonly string[]> {
    const { heads, servers } = this.#parts;
    const head = await heads.byNum(event.room);
    return head === undefined ? NO_SERVERS : this.#others(event, await servers.of(head));
  }

  #others(event: StoredEvent, present: ReadonlySet<string>): readonly string[] {
    if (event.isEntry) return NO_SERVERS;
    const removed = removedServer(event);
    // Most rooms have only users of this server.
    if (present.size <= 1 && removed === undefined && present.has(this.#parts.serverName)) return NO_SERVERS;
    const servers = new Set(present);
    if (removed !== undefined) servers.add(removed);
    servers.delete(this.#parts.serverName);
    servers.delete(domainOf(event.sender) ?? '');
    return [...servers];
  }

  /** Returns those of some other servers that have no members in a room. */
  async absentOf(some: readonly string[], room: number): Promise<string[]> {
    const { heads, servers, serverName } = this.#parts;
    const head = await heads.byNum(room);
    if (head === undefined) return [];
    const present = await servers.of(head);
    return some.filter((server) => server !== serverName && !present.has(server));
  }

  /** Returns the PDUs of events as canonical JSON. Events that do not exist any more are missing. */
  async pdus(nums: readonly number[]): Promise<ReadonlyMap<number, string>> {
    return this.#parts.texts.of(nums);
  }

  /**
   * Returns the newest event of each room that a server has not received, the newest of all first: it is in the room
   * now, or the event has removed its last user.
   */
  async missedBy(server: string, range: StreamRange): Promise<readonly SendableEvent[]> {
    const { database, roomServers } = this.#parts;
    const rooms = await roomServers.roomsOf(server);
    const missed = await inSlices(rooms, ROOMS_AT_ONCE, async (some) => {
      const newest = await readNewestSendable(database, range, some);
      const removals = await readRemovals(database, range, some, server);
      return this.#meantFor(server, [...newest, ...removals]);
    });
    return missed.toSorted((a, b) => b.position - a.position);
  }

  async #meantFor(server: string, found: readonly SendableEvent[]): Promise<SendableEvent[]> {
    const events = await this.#parts.events.load(found.map(({ num }) => num));
    const meant = new Map<number, SendableEvent>();
    for (const one of found) {
      const event = events.get(one.num);
      if (event !== undefined && (await this.serversFor(event)).includes(server)) meant.set(one.num, one);
    }
    return [...meant.values()];
  }
}

/** Returns the server of the user whom a member event removes from a room. */
function removedServer(event: StoredEvent): string | undefined {
  if (event.type !== 'm.room.member' || event.stateKey === undefined) return undefined;
  const membership = membershipOf(event);
  return membership === 'leave' || membership === 'ban' ? domainOf(event.stateKey) : undefined;
}
