import { forbidden, notFound } from '@hearth/protocol/errors.ts';
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
   * Returns an event as the JSON text of a transaction. State events that the server may not read are redacted, because
   * other events may need them as auth events.
   * @throws MatrixError M_NOT_FOUND, M_FORBIDDEN
   */
  async event(server: string, eventId: string): Promise<string> {
    const { asking, stores, visibility, texts, serverName, clock } = this.#parts;
    const found = await stores.events.byId(eventId);
    if (found === undefined) throw notFound('There is no such event');
    const head = await asking.inRoom(found.roomId, server);
    const event = await asking.event(head, eventId);
    const hidden = (await isKnownState(head, event))
      ? new Set<number>()
      : await visibility.hiddenFrom(server, head, [event]);
    if (!event.isState && hidden.size > 0) throw forbidden('Your server may not read this event');
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
