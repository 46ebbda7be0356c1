import { notFound } from '@hearth/protocol/errors.ts';
import type { Clock } from '../../platform/clock.ts';
import { STANDING, type StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { Head } from '../head.ts';
import type { AskingServers } from './asking-servers.ts';
import type { GraphStores } from './graph-walk.ts';
import { type PduTexts, transactionText } from './pdu-texts.ts';
import type { ServerVisibility } from './server-visibility.ts';

interface EventsParts {
  readonly asking: AskingServers;
  readonly stores: GraphStores;
  readonly visibility: ServerVisibility;
  readonly texts: PduTexts;
  readonly serverName: string;
  readonly clock: Clock;
}

/** Serves single events to other servers (server-server API, "Retrieving events"). */
export class ServedEvents {
  readonly #parts: EventsParts;

  constructor(parts: EventsParts) {
    this.#parts = parts;
  }

  /**
   * Returns an event as the JSON text of a transaction. An event that the server may not read is redacted. The server
   * needs it to complete the event graph, for instance after a join with partial state.
   * @throws MatrixError M_NOT_FOUND, M_FORBIDDEN
   */
  async event(server: string, eventId: string): Promise<string> {
    const { asking, stores, visibility, texts, serverName, clock } = this.#parts;
    const found = await stores.events.byId(eventId);
    if (found === undefined) throw notFound('There is no such event');
    const head = await asking.inRoomAt(found.roomId, server, [eventId]);
    const event = await asking.event(head, eventId);
    const hidden = (await isKnownState(head, event))
      ? new Set<number>()
      : await visibility.hiddenFrom(server, head, [event]);
    return transactionText(serverName, clock.now(), await texts.of(head.version, [event], hidden));
  }

  /** Returns the event of a room that is closest to a time. @throws MatrixError M_NOT_FOUND, M_FORBIDDEN */
  async closest(server: string, roomId: string, ts: number, direction: 'f' | 'b'): Promise<StoredEvent> {
    const { asking, stores } = this.#parts;
    const head = await asking.inRoom(roomId, server);
    const num = await stores.timelines.closest(head.num, ts, direction);
    const event = num === undefined ? undefined : await stores.events.one(num);
    if (event === undefined) throw notFound('There is no event in that direction');
    return event;
  }
}

/**
 * Returns whether an event is part of the state that every server in the room gets: the current state, and the outliers
 * from which it was made when this server joined.
 */
async function isKnownState(head: Head, { standing, type, stateKey, eventId }: StoredEvent): Promise<boolean> {
  if (stateKey === undefined) return false;
  return standing === STANDING.outlier || (await head.state(type, stateKey))?.eventId === eventId;
}
