import { asArray, type JsonObject, type JsonValue } from '@hearth/protocol/json/value.ts';
import type { FederationClient } from '../../federation/client/federation-client.ts';
import { FederationError } from '../../federation/client/federation-error.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { Head } from '../head.ts';
import type { Backfill } from './backfill.ts';
import type { ServersInRooms } from './servers-in-room.ts';

/** The number of servers that are asked. */
const SERVERS_MAX = 3;
const TIMEOUT_MS = 10_000;
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;
/** The number of events of an answer that are read. */
const EVENTS_MAX = 100;

/** Fetches events that this server does not have, with the events to which they are related (MSC2836). */
export class RemoteRelationships {
  readonly #client: Pick<FederationClient, 'request'>;
  readonly #servers: ServersInRooms;
  readonly #backfill: Backfill;

  constructor(client: Pick<FederationClient, 'request'>, servers: ServersInRooms, backfill: Backfill) {
    this.#client = client;
    this.#servers = servers;
    this.#backfill = backfill;
  }

  /**
   * Fetches an event as a part of the history of its room, so that the state before it is known, which says who may read
   * it. If an answer does not lead from a gap in the timeline to the event without holes, all history up to the event is
   * fetched. An unknown event id does not cause that, because the other server has to answer the event first.
   */
  async fetch(head: Head, eventId: string): Promise<void> {
    for (const server of (await this.#servers.others(head)).slice(0, SERVERS_MAX)) {
      const events = await this.#ask(server, head.roomId, eventId);
      if (events === undefined) continue;
      await this.#backfill.offer(head, server, events);
      if (await this.#backfill.until(head, eventId)) return;
    }
  }

  /** Fetches the events that are missing in the timeline after an event. Its children may be among them. */
  async completeAfter(head: Head, { seq }: StoredEvent): Promise<void> {
    if (seq !== null) await this.#backfill.complete(head, head.row.seq, head.row.seq - seq);
  }

  /** Returns the events that a server answers; undefined if it does not answer the event. */
  async #ask(server: string, roomId: string, eventId: string): Promise<readonly JsonValue[] | undefined> {
    const path = '/_matrix/federation/unstable/event_relationships';
    const content: JsonObject = {
      event_id: eventId,
      room_id: roomId,
      limit: EVENTS_MAX,
      include_parent: true,
      include_children: true,
      direction: 'up',
    };
    const limits = { timeoutMs: TIMEOUT_MS, answerBytesMax: ANSWER_BYTES_MAX };
    try {
      const answer = await this.#client.request(server, { method: 'POST', path, content, ...limits });
      return asArray(answer.events)?.slice(0, EVENTS_MAX);
    } catch (error) {
      if (error instanceof FederationError) return undefined;
      throw error;
    }
  }
}
