import type { RoomServers } from '../../storage/rooms/room-servers.ts';
import type { Destinations } from '../client/destinations.ts';
import type { Queues } from './queues.ts';
import type { SendingPositions } from './sending-positions.ts';

/** Another server, as administrators see it. */
export interface DestinationState {
  readonly server: string;
  /** The time of the last attempt that has failed; 0 if the server has answered the last time. */
  readonly retryLastTs: number;
  /** The time from that attempt to the next one, in milliseconds. */
  readonly retryIntervalMs: number;
  /** The time since which the server does not answer. */
  readonly failureTs: number | null;
  /** The position up to which the server has received all events. */
  readonly position: number;
}

interface ListParts {
  readonly roomServers: RoomServers;
  readonly destinations: Destinations;
  readonly queues: Queues;
  readonly positions: SendingPositions;
  /** Returns the position up to which all events are in the queues. */
  readonly position: () => number;
}

/** The servers with which this server exchanges events and EDUs. */
export class DestinationList {
  readonly #parts: ListParts;

  constructor(parts: ListParts) {
    this.#parts = parts;
  }

  /** Returns the servers that have or had members in a room of this server, or for which something waits. */
  async all(): Promise<DestinationState[]> {
    const { roomServers, queues, positions } = this.#parts;
    const servers = new Set(await roomServers.all());
    for (const [server] of queues.entries()) servers.add(server);
    for (const server of positions.lateServers()) servers.add(server);
    return [...servers].map((server) => this.#stateOf(server));
  }

  /** Returns the state of a server; undefined for an unknown one. */
  async one(server: string): Promise<DestinationState | undefined> {
    const { roomServers, queues, positions, destinations } = this.#parts;
    const isInMemory = queues.get(server) !== undefined || positions.late(server) !== undefined;
    const isKnown = isInMemory || destinations.isFailing(server) || (await roomServers.roomsOf(server)).length > 0;
    return isKnown ? this.#stateOf(server) : undefined;
  }

  /** Ends the wait for a server that does not answer. Returns whether there was one. */
  reset(server: string): boolean {
    return this.#parts.destinations.reset(server);
  }

  #stateOf(server: string): DestinationState {
    const { destinations, queues, positions, position } = this.#parts;
    const failing = destinations.failing(server);
    return {
      server,
      retryLastTs: failing?.lastTs ?? 0,
      retryIntervalMs: failing?.intervalMs ?? 0,
      failureTs: failing?.sinceTs ?? positions.late(server)?.failingSinceTs ?? null,
      position: queues.get(server)?.reached ?? position(),
    };
  }
}
