import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import { inSlices } from '../../platform/concurrency/in-slices.ts';
import type { Database } from '../../storage/engine/database.ts';
import {
  type Audience,
  type FoundEvent,
  readNewestSendable,
  readRemovals,
  type SendableEvent,
} from '../../storage/federation/sendable-events.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import { STANDING, type StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { RoomServers } from '../../storage/rooms/room-servers.ts';
import { membershipOf } from '../events/effects.ts';
import type { Head } from '../head.ts';
import type { Heads } from '../heads.ts';
import { permitsPeek } from '../peeking/peek-permission.ts';
import type { PeekingServers } from '../peeking/peeking-servers.ts';
import type { ServersInRooms } from '../remote/servers-in-room.ts';
import type { OutgoingTexts } from './outgoing-texts.ts';

interface OutgoingEventsParts {
  readonly database: Database;
  readonly heads: Heads;
  readonly events: EventStore;
  readonly texts: OutgoingTexts;
  readonly receivers: {
    readonly servers: ServersInRooms;
    readonly roomServers: RoomServers;
    readonly peeking: PeekingServers;
  };
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

  /**
   * Returns which servers get an event: those in its room, if a user of this server has sent it; only those that peek, if it
   * is the event of another server; none, if it is not in the timeline of its room.
   */
  audienceOf({ sender, standing, seq, room }: StoredEvent): Audience | undefined {
    if (standing !== STANDING.accepted || seq === null) return undefined;
    if (sender.endsWith(this.#domain) && domainOf(sender) === this.#parts.serverName) return 'room';
    return this.#parts.receivers.peeking.has(room) ? 'peekers' : undefined;
  }

  /**
   * Returns the other servers that get an event: those in the room now, the server of a user whom the event removes from the
   * room, and those that peek into the room. The server that has sent the event does not get it. The join by which this
   * server came into the room was sent by the server that helped with it.
   */
  serversFor(event: StoredEvent, audience: Audience): readonly string[] | Promise<readonly string[]> {
    const head = this.#parts.heads.cached(event.room);
    if (head?.servers === undefined) return this.#load(event, audience);
    const present = audience === 'room' ? this.#others(event, head.servers) : NO_SERVERS;
    if (!this.#parts.receivers.peeking.has(event.room)) return present;
    const peeking = this.#peeking(event, head);
    if (peeking instanceof Promise) return peeking.then((some) => [...new Set([...present, ...some])]);
    return [...new Set([...present, ...peeking])];
  }

  async #load(event: StoredEvent, audience: Audience): Promise<readonly string[]> {
    const head = await this.#parts.heads.byNum(event.room);
    if (head === undefined) return NO_SERVERS;
    const { servers } = this.#parts.receivers;
    const present = audience === 'room' ? this.#others(event, await servers.of(head)) : NO_SERVERS;
    return [...new Set([...present, ...(await this.#peeking(event, head))])];
  }

  /** Returns the servers that peek into the room of an event and may read the event. */
  #peeking(event: StoredEvent, head: Head): readonly string[] | Promise<readonly string[]> {
    const sender = domainOf(event.sender);
    const servers = this.#parts.receivers.peeking.of(event.room).filter((server) => server !== sender);
    // The end of the peek is told by the event that ends it.
    if (servers.length === 0 || event.type === 'm.room.history_visibility') return servers;
    const permitted = servers.map((server) => permitsPeek(head, server));
    const chosen = (answers: readonly boolean[]) => servers.filter((_, i) => answers[i]);
    if (permitted.every((answer) => typeof answer === 'boolean')) return chosen(permitted);
    return Promise.all(permitted.map((answer) => Promise.resolve(answer))).then(chosen);
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
    const { heads, receivers, serverName } = this.#parts;
    const head = await heads.byNum(room);
    if (head === undefined) return [];
    const present = await receivers.servers.of(head);
    // A room that this server only peeks into is the concern of the servers in it.
    if (!present.has(serverName)) return [];
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
    const { database, receivers } = this.#parts;
    const { roomServers, peeking } = receivers;
    const rooms = new Set([...(await roomServers.roomsOf(server)), ...peeking.roomsOf(server)]);
    const missed = await inSlices([...rooms], ROOMS_AT_ONCE, async (some) => {
      const newest = await readNewestSendable(database, range, some, server);
      const removals = await readRemovals(database, range, some, server);
      return this.#meantFor(server, [...newest, ...removals]);
    });
    return missed.toSorted((a, b) => b.position - a.position);
  }

  async #meantFor(server: string, found: readonly FoundEvent[]): Promise<SendableEvent[]> {
    const events = await this.#parts.events.load(found.map(({ num }) => num));
    const meant = new Map<number, SendableEvent>();
    for (const one of found) {
      const event = events.get(one.num);
      const isMeant = event !== undefined && (await this.serversFor(event, one.audience)).includes(server);
      if (isMeant) meant.set(one.num, one);
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
