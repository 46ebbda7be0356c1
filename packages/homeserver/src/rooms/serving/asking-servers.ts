import { forbidden, notFound } from '@hearth/protocol/errors.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import { STANDING, type StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { Head } from '../head.ts';
import type { Heads } from '../heads.ts';
import type { PartialStates } from '../partial-state/partial-states.ts';
import { permitsPeek } from '../peeking/peek-permission.ts';
import { aclPermits } from '../receive/acl.ts';
import type { ServersInRooms } from '../remote/servers-in-room.ts';
import type { ServerVisibility } from './server-visibility.ts';

interface Parts {
  readonly heads: Heads;
  readonly servers: ServersInRooms;
  readonly events: EventStore;
  readonly visibility: ServerVisibility;
  readonly partialStates: PartialStates;
}

/** Decides which rooms and events other servers may ask for. Every request of another server about a room uses it. */
export class AskingServers {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Returns the head of a room that has members of this server and whose access control list permits a server.
   * @throws MatrixError M_NOT_FOUND, M_FORBIDDEN
   */
  async permitted(roomId: string, server: string): Promise<Head> {
    const head = await this.#known(roomId, server);
    if (!(await this.#parts.servers.isLocal(head))) throw notFound('This server is not in the room');
    return head;
  }

  /** Returns the head of a room that this server is in or was in. @throws MatrixError M_NOT_FOUND, M_FORBIDDEN */
  async #known(roomId: string, server: string): Promise<Head> {
    const head = await this.#parts.heads.find(roomId);
    if (head === undefined || head.extremities.length === 0) throw notFound('This server is not in the room');
    if (!(await aclPermits(head, server))) throw forbidden('The room does not permit your server');
    return head;
  }

  /** Returns the same as {@link permitted} for a room that the server is in. @throws MatrixError M_NOT_FOUND, M_FORBIDDEN */
  async inRoom(roomId: string, server: string): Promise<Head> {
    const head = await this.permitted(roomId, server);
    if (!(await this.#parts.servers.of(head)).has(server)) throw forbidden('Your server is not in the room');
    return head;
  }

  /**
   * Returns the head of a room that the asking server is in, or was in when some events were sent. A server that was removed
   * from a room needs the events before its removal to get to know of it. This server may have left the room: others need the
   * events that its users sent before. A room that is world-readable may be read by every server.
   * @throws MatrixError M_NOT_FOUND, M_FORBIDDEN
   */
  async inRoomAt(roomId: string, server: string, eventIds: readonly string[]): Promise<Head> {
    const head = await this.#known(roomId, server);
    const { servers, visibility } = this.#parts;
    if ((await servers.of(head)).has(server)) return head;
    const events = await this.placed(head, eventIds);
    const wasIn = events.length > 0 && (await servers.wasIn(server, head));
    if (wasIn && (await visibility.wasInRoom(server, head, events))) return head;
    if (await this.#isReadable(head, server, events)) return head;
    throw forbidden('Your server is not in the room');
  }

  /** Returns whether a server may read events of a room without being in it (MSC2444). */
  async #isReadable(head: Head, server: string, events: readonly StoredEvent[]): Promise<boolean> {
    const { servers, visibility } = this.#parts;
    if (!(await servers.isLocal(head)) || !(await permitsPeek(head, server))) return false;
    return (await visibility.worldReadable(events)).size === events.length;
  }

  /** Returns whether a server has never been in a room, so that it gets only what is world-readable. */
  async isOutside(head: Head, server: string): Promise<boolean> {
    const { servers } = this.#parts;
    return !((await servers.of(head)).has(server) || (await servers.wasIn(server, head)));
  }

  /**
   * Returns the same as {@link permitted} for a room whose whole state this server has, so that it can say who may come in.
   * @throws MatrixError M_NOT_FOUND, M_FORBIDDEN
   */
  async whole(roomId: string, server: string): Promise<Head> {
    const head = await this.permitted(roomId, server);
    if (this.isPartial(head)) throw notFound('This server does not know all members of the room yet');
    return head;
  }

  /** Returns whether this server lacks members in the states of a room. */
  isPartial(head: Head): boolean {
    return this.#parts.partialStates.of(head.num) !== undefined;
  }

  /** Returns an event of a room that is not rejected. @throws MatrixError M_NOT_FOUND */
  async event(head: Head, eventId: string): Promise<StoredEvent> {
    const event = await this.#parts.events.byId(eventId);
    if (event === undefined || event.room !== head.num || event.standing === STANDING.rejected)
      throw notFound('There is no such event in the room');
    return event;
  }

  /** Returns whether this server knows one of some events as an event of another room. */
  async areElsewhere(head: Head, eventIds: readonly string[]): Promise<boolean> {
    return [...(await this.#parts.events.byIds(eventIds)).values()].some(({ room }) => room !== head.num);
  }

  /** Returns those of some events that belong to a room and have a place in its graph. Others are left out. */
  async placed(head: Head, eventIds: readonly string[]): Promise<StoredEvent[]> {
    const events = await this.#parts.events.byIds(eventIds);
    return [...events.values()].filter(
      (event) => event.room === head.num && eventIds.includes(event.eventId) && isPlaced(event),
    );
  }
}

/** Returns whether an event has a place in the graph, and is not rejected. */
function isPlaced({ standing }: StoredEvent): boolean {
  return standing === STANDING.accepted || standing === STANDING.softFailed;
}
